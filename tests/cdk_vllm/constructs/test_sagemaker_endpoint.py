"""The SageMaker endpoint in somebody else's app."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from cdk_vllm.constructs import (
    AlarmTopics,
    ExistingImage,
    LogBucket,
    ModelStore,
    SageMakerAlarms,
    VllmSageMakerEndpoint,
)

if TYPE_CHECKING:
    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm@sha256:" + "a" * 64


def make(stack: cdk.Stack, plan: ServingPlan) -> VllmSageMakerEndpoint:
    bucket = LogBucket(stack, "Logs").bucket
    return VllmSageMakerEndpoint(
        stack,
        "Summaries",
        plan=plan,
        vpc=ec2.Vpc(stack, "Vpc"),
        models=ModelStore(stack, "Models", log_bucket=bucket),
        image=ExistingImage(stack, "Image", uri=IMAGE),
    )


def test_callers_may_invoke_and_stream_but_not_use_bearer_tokens(
    stack: cdk.Stack, sagemaker_plan: ServingPlan
) -> None:
    role = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    endpoint = make(stack, sagemaker_plan)
    endpoint.grant_invoke(role)
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    (statement,) = [
        statement
        for policy in policies
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "sagemaker:" in str(statement["Action"])
    ]
    assert statement["Action"] == [
        "sagemaker:InvokeEndpoint",
        "sagemaker:InvokeEndpointWithResponseStream",
    ]
    assert statement["Resource"]["Fn::Join"][1][-1].endswith(f":endpoint/{endpoint.endpoint_name}")


@pytest.mark.parametrize(("nvme_gb", "volume_gb"), [(450, None), (0, 123)])
def test_a_volume_is_asked_for_only_where_the_instance_has_no_disk(
    stack: cdk.Stack, sagemaker_plan: ServingPlan, nvme_gb: int, volume_gb: int | None
) -> None:
    make(stack, replace(sagemaker_plan, local_nvme_gb=nvme_gb))
    Template.from_stack(stack).has_resource_properties(
        "AWS::SageMaker::EndpointConfig",
        {
            "ProductionVariants": [
                Match.object_like({"VolumeSizeInGB": volume_gb or Match.absent()})
            ]
        },
    )


def test_two_endpoints_in_one_stack_have_two_names(
    stack: cdk.Stack, sagemaker_plan: ServingPlan
) -> None:
    first = make(stack, sagemaker_plan)
    second = VllmSageMakerEndpoint(
        stack,
        "Other",
        plan=sagemaker_plan,
        vpc=ec2.Vpc(stack, "OtherVpc"),
        models=stack.node.find_child("Models"),  # type: ignore[arg-type]
        image=stack.node.find_child("Image"),  # type: ignore[arg-type]
    )
    assert first.endpoint_name != second.endpoint_name
    assert len(first.endpoint_name) <= 63


def test_the_role_has_no_managed_policy_and_pulls_one_repository(
    stack: cdk.Stack, sagemaker_plan: ServingPlan
) -> None:
    make(stack, sagemaker_plan)
    template = Template.from_stack(stack)
    template.has_resource_properties("AWS::IAM::Role", {"ManagedPolicyArns": Match.absent()})
    template.has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {
                                "Action": Match.array_with(["ecr:BatchGetImage"]),
                                "Resource": Match.object_like({"Fn::Join": Match.any_value()}),
                            }
                        )
                    ]
                )
            }
        },
    )


def test_an_update_rolls_back_on_errors_without_a_circle(
    stack: cdk.Stack, sagemaker_plan: ServingPlan
) -> None:
    endpoint = make(stack, sagemaker_plan)
    topics = AlarmTopics(stack, "Topics", email="a@example.com")
    alarms = SageMakerAlarms(
        stack, "Alarms", endpoint=endpoint, topics=topics, response_seconds_p95=20
    )
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::SageMaker::Endpoint",
        {
            "DeploymentConfig": Match.object_like(
                {
                    "AutoRollbackConfiguration": {
                        "Alarms": [{"AlarmName": stack.resolve(alarms.error_ratio.alarm_name)}]
                    }
                }
            )
        },
    )
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm", {"MetricName": "ModelLatency", "Threshold": 20_000_000}
    )


def test_the_openai_url_names_the_endpoint(stack: cdk.Stack, sagemaker_plan: ServingPlan) -> None:
    endpoint = make(stack, sagemaker_plan)
    parts = stack.resolve(endpoint.openai_base_url)["Fn::Join"][1]
    assert parts[0] == "https://runtime.sagemaker.us-east-1."
    assert parts[-1] == f"/endpoints/{endpoint.endpoint_name}/openai/v1"
