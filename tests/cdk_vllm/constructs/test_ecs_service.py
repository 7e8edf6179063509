"""The ECS service in somebody else's app: few arguments, exposed parts, honest scaling."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from cdk_vllm.constructs import (
    AlarmTopics,
    EcsAlarms,
    ExistingImage,
    FrontDoor,
    GpuCapacity,
    LogBucket,
    ModelStore,
    TokenIssuer,
    VllmEcsService,
)
from cdk_vllm.constructs.ecs_scaling import requests_per_minute
from cdk_vllm.errors import InputError
from cdk_vllm.sizing import fleet_of, rollout_for

if TYPE_CHECKING:
    from cdk_vllm.sizing import ServingPlan

IMAGE = "public.ecr.aws/x/vllm@sha256:" + "a" * 64


def make(
    stack: cdk.Stack, plan: ServingPlan, token_issuer: TokenIssuer | None = None, **options: Any
) -> VllmEcsService:
    vpc = ec2.Vpc(stack, "Vpc")
    bucket = LogBucket(stack, "Logs").bucket
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/x"
    door = FrontDoor(
        stack,
        "Door",
        plan=plan,
        vpc=vpc,
        log_bucket=bucket,
        certificate=acm.Certificate.from_certificate_arn(stack, "Certificate", arn),
        token_issuer=token_issuer,
    )
    return VllmEcsService(
        stack,
        "Chat",
        plan=plan,
        vpc=vpc,
        models=ModelStore(stack, "Models", log_bucket=bucket),
        image=ExistingImage(stack, "Image", uri=IMAGE),
        front_door=door,
        **options,
    )


def replicas(plan: ServingPlan, fewest: int, most: int) -> ServingPlan:
    return replace(plan, request=replace(plan.request, min_replicas=fewest, max_replicas=most))


def test_a_deployment_does_not_undo_what_scaling_did(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    make(stack, replicas(ecs_plan, 2, 6))
    template = Template.from_stack(stack)
    template.has_resource_properties("AWS::ECS::Service", {"DesiredCount": Match.absent()})
    template.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        {
            "MinCapacity": 2,
            "MaxCapacity": 6,
            "ScheduledActions": [Match.object_like({"ScalableTargetAction": {"MinCapacity": 2}})],
        },
    )


def test_a_minimum_of_one_needs_no_schedule(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    make(stack, replicas(ecs_plan, 1, 4))
    Template.from_stack(stack).has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget", {"ScheduledActions": Match.absent()}
    )


@pytest.mark.parametrize(
    ("concurrent", "output_tokens", "expected"),
    [
        (32, 500, 67),  # 0.7 x 32 requests of 20 s
        (1, 500, 2),
        (1, 100_000, 1),  # at most max_request_seconds, 300 s, and at least one
        (32, 1, 1344),  # a request lasts a second at least
    ],
)
def test_requests_per_minute_follow_littles_law(
    ecs_plan: ServingPlan, concurrent: int, output_tokens: int, expected: int
) -> None:
    workload = replace(
        ecs_plan.request.workload, concurrent_requests=concurrent, output_tokens=output_tokens
    )
    plan = replace(ecs_plan, request=replace(ecs_plan.request, workload=workload))
    assert requests_per_minute(plan) == expected


def test_a_caller_is_granted_the_key(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    role = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    make(stack, ecs_plan).grant_invoke(role)
    Template.from_stack(stack).has_resource_properties(
        "AWS::IAM::Policy",
        {
            "Roles": [stack.resolve(role.role_name)],
            "PolicyDocument": Match.object_like(
                {
                    "Statement": [
                        Match.object_like(
                            {
                                "Action": [
                                    "secretsmanager:GetSecretValue",
                                    "secretsmanager:DescribeSecret",
                                ]
                            }
                        )
                    ]
                }
            ),
        },
    )


def test_capacity_of_ones_own_is_used(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    capacity = GpuCapacity(stack, "Capacity", plan=ecs_plan, vpc=ec2.Vpc(stack, "Shared"))
    assert make(stack, ecs_plan, capacity=capacity).capacity is capacity
    Template.from_stack(stack).resource_count_is("AWS::ECS::Cluster", 1)


def test_a_token_issuer_takes_the_place_of_the_key(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    issuer = TokenIssuer(issuer="https://id.example.com/", jwks_url="https://id.example.com/k")
    service = make(stack, ecs_plan, token_issuer=issuer)
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::SecretsManager::Secret", 0)
    role = iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    with pytest.raises(InputError, match="no API key to grant"):
        service.grant_invoke(role)


def test_the_task_reads_the_adapters_of_its_service_alone(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    request = replace(ecs_plan.request, lora="dynamic")
    make(stack, replace(ecs_plan, request=request))
    text = str(Template.from_stack(stack).find_resources("AWS::IAM::Policy"))
    assert "/adapters/chat/*" in text
    assert "adapters/*" not in text.replace("/adapters/chat/*", "")


def test_a_deployment_in_place_needs_no_second_set(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    plan = replicas(ecs_plan, 4, 4)
    rollout = rollout_for(fleet_of(plan), "in_place")
    vpc = ec2.Vpc(stack, "Shared")
    make(stack, plan, capacity=GpuCapacity(stack, "Own", plan=plan, vpc=vpc, rollout=rollout))
    template = Template.from_stack(stack)
    template.has_resource_properties("AWS::AutoScaling::AutoScalingGroup", {"MaxSize": "4"})
    template.has_resource_properties(
        "AWS::ECS::Service",
        {
            "DeploymentConfiguration": Match.object_like(
                {"MinimumHealthyPercent": 75, "MaximumPercent": 100}
            )
        },
    )


def test_alarms_roll_a_deployment_back_without_a_circle(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    service = make(stack, ecs_plan)
    alarms = EcsAlarms(stack, "Alarms", service=service, topics=AlarmTopics(stack, "Topics"))
    # `from_stack` refuses templates with circles.
    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::Service",
        {
            "DeploymentConfiguration": Match.object_like(
                {
                    "Alarms": {
                        "AlarmNames": [stack.resolve(alarms.error_ratio.alarm_name)],
                        "Enable": True,
                        "Rollback": True,
                    }
                }
            )
        },
    )


def test_a_cold_start_raises_no_alarm_but_that_nothing_serves(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    service = make(stack, ecs_plan)
    EcsAlarms(stack, "Alarms", service=service, topics=AlarmTopics(stack, "Topics"))
    alarms = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
    unhealthy = [a["Properties"] for a in alarms if "UnHealthyHostCount" in str(a)]
    assert [a["EvaluationPeriods"] for a in unhealthy] == [20]  # grace of 15 minutes, and five


def test_a_fixed_number_of_replicas_is_never_at_its_maximum(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    service = make(stack, replicas(ecs_plan, 2, 2))
    EcsAlarms(stack, "Alarms", service=service, topics=AlarmTopics(stack, "Topics"))
    alarms = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm")
    assert not [name for name in alarms if "AtMaximum" in name]
