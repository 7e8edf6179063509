"""The SageMaker endpoint in somebody else's app."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from cdk_vllm.constructs import (
    AlarmTopics,
    AsynchronousAnswers,
    CapturedData,
    ExistingImage,
    LogBucket,
    ModelStore,
    SageMakerAlarms,
    VllmSageMakerEndpoint,
)
from cdk_vllm.errors import CdkVllmError, InputError
from cdk_vllm.observability import AlarmThresholds
from tests.cdk_vllm import sagemaker_app

if TYPE_CHECKING:
    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm@sha256:" + "a" * 64


def make(stack: cdk.Stack, plan: ServingPlan, **options: Any) -> VllmSageMakerEndpoint:
    bucket = LogBucket(stack, "Logs").bucket
    return VllmSageMakerEndpoint(
        stack,
        "Summaries",
        plan=plan,
        vpc=ec2.Vpc(stack, "Vpc"),
        models=ModelStore(stack, "Models", log_bucket=bucket),
        image=ExistingImage(stack, "Image", uri=IMAGE),
        **options,
    )


def config(stack: cdk.Stack) -> dict[str, Any]:
    """Return the one endpoint configuration's properties."""
    found = Template.from_stack(stack).find_resources("AWS::SageMaker::EndpointConfig")
    (resource,) = found.values()
    properties: dict[str, Any] = resource["Properties"]
    return properties


def asking(plan: ServingPlan, **request: Any) -> ServingPlan:
    """Return the plan with another request."""
    return replace(plan, request=replace(plan.request, **request))


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
    thresholds = AlarmThresholds(e2e_seconds_p95=20)
    alarms = SageMakerAlarms(
        stack, "Alarms", endpoint=endpoint, topics=topics, thresholds=thresholds
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


def test_the_plan_s_alternatives_take_over_in_their_order(stack: cdk.Stack) -> None:
    make(stack, sagemaker_app.plan())
    (variant,) = config(stack)["ProductionVariants"]
    assert "InstanceType" not in variant
    pools = [(pool["InstanceType"], pool["Priority"]) for pool in variant["InstancePools"]]
    assert pools[0] == ("ml.g6e.xlarge", 1)
    assert [priority for _, priority in pools] == list(range(1, len(pools) + 1))
    assert 2 <= len(pools) <= 5
    assert variant["VariantInstanceProvisionTimeoutInSeconds"] == 600 * len(pools)


def test_both_starts_have_the_predicted_time(stack: cdk.Stack, sagemaker_plan: ServingPlan) -> None:
    make(stack, replace(sagemaker_plan, startup_seconds=1234))
    (variant,) = config(stack)["ProductionVariants"]
    assert variant["ContainerStartupHealthCheckTimeoutInSeconds"] == 1234
    assert variant["ModelDataDownloadTimeoutInSeconds"] == 1234
    Template.from_stack(stack).has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        {
            "TargetTrackingScalingPolicyConfiguration": Match.object_like(
                {"ScaleOutCooldown": 1234, "ScaleInCooldown": 2468}
            )
        },
    )


@pytest.mark.parametrize(
    ("typical", "sequences", "target"), [(68.4, 36, 25), (10.0, 36, 7), (0.9, 36, 1)]
)
def test_it_scales_at_seven_tenths_of_what_runs_at_once(
    stack: cdk.Stack, sagemaker_plan: ServingPlan, typical: float, sequences: int, target: int
) -> None:
    arguments = {**sagemaker_plan.engine_args, "max_num_seqs": sequences}
    make(stack, replace(sagemaker_plan, typical_concurrency=typical, engine_args=arguments))
    Template.from_stack(stack).has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        {"TargetTrackingScalingPolicyConfiguration": Match.object_like({"TargetValue": target})},
    )


def test_requests_with_one_beginning_find_one_instance_where_that_was_asked_for(
    stack: cdk.Stack, sagemaker_plan: ServingPlan
) -> None:
    make(stack, asking(sagemaker_plan, engine={"enable_prefix_caching": True}))
    (variant,) = config(stack)["ProductionVariants"]
    assert variant["RoutingConfig"] == {"RoutingStrategy": "PREFIX_AWARE"}


@pytest.mark.parametrize(
    ("request_keys", "says"),
    [
        ({"max_request_seconds": 61}, r"is 61, .* streaming = true .* asynchronous = true"),
        ({"max_request_seconds": 481, "streaming": True}, r"is 481, .* asynchronous = true"),
        ({"asynchronous": True}, "give asynchronous=AsynchronousAnswers"),
    ],
)
def test_an_answer_that_takes_too_long_is_refused_with_the_key_that_allows_it(
    stack: cdk.Stack, sagemaker_plan: ServingPlan, request_keys: dict[str, Any], says: str
) -> None:
    with pytest.raises(CdkVllmError, match=says):
        make(stack, asking(sagemaker_plan, **request_keys))


def test_a_stream_may_take_eight_minutes(stack: cdk.Stack, sagemaker_plan: ServingPlan) -> None:
    make(stack, asking(sagemaker_plan, max_request_seconds=480, streaming=True))
    assert "AsyncInferenceConfig" not in config(stack)


def test_isolation_is_what_needs_no_network_and_never_what_streams(
    stack: cdk.Stack, sagemaker_plan: ServingPlan
) -> None:
    with pytest.raises(CdkVllmError, match=r'isolated is true, .* load = "disk"'):
        make(stack, replace(sagemaker_plan, load="stream"), isolated=True)


def test_weights_that_stream_are_not_copied(stack: cdk.Stack, sagemaker_plan: ServingPlan) -> None:
    make(stack, replace(sagemaker_plan, load="stream"))
    Template.from_stack(stack).has_resource_properties(
        "AWS::SageMaker::Model",
        {
            "EnableNetworkIsolation": False,
            "PrimaryContainer": Match.object_like(
                {
                    "ModelDataSource": Match.absent(),
                    "Environment": Match.object_like(
                        {
                            "SM_VLLM_LOAD_FORMAT": "runai_streamer",
                            "SM_VLLM_MODEL": Match.any_value(),
                        }
                    ),
                }
            ),
        },
    )


@pytest.mark.parametrize(
    ("gpus", "fewest", "asked", "policy", "kind"),
    [
        (1, 1, None, "BlueGreenUpdatePolicy", "ALL_AT_ONCE"),
        (1, 2, None, "BlueGreenUpdatePolicy", "CANARY"),
        (1, 2, "linear", "BlueGreenUpdatePolicy", "LINEAR"),
        (8, 1, None, "BlueGreenUpdatePolicy", "ALL_AT_ONCE"),
        (8, 2, None, "RollingUpdatePolicy", 50),
        (1, 4, "rolling", "RollingUpdatePolicy", 25),
        (1, 40, "rolling", "RollingUpdatePolicy", 5),
    ],
)
def test_an_update_goes_the_way_that_fits(
    stack: cdk.Stack,
    sagemaker_plan: ServingPlan,
    gpus: int,
    fewest: int,
    asked: Any,
    policy: str,
    kind: str | int,
) -> None:
    plan = asking(replace(sagemaker_plan, gpus=gpus), min_replicas=fewest, max_replicas=40)
    make(stack, plan, rollout=asked)
    (endpoint,) = Template.from_stack(stack).find_resources("AWS::SageMaker::Endpoint").values()
    deployment = endpoint["Properties"]["DeploymentConfig"]
    assert [name for name in deployment if name.endswith("Policy")] == [policy]
    way = deployment[policy]
    if policy == "RollingUpdatePolicy":
        assert way["MaximumBatchSize"] == {"Type": "CAPACITY_PERCENT", "Value": kind}
    else:
        assert way["TrafficRoutingConfiguration"]["Type"] == kind
    assert 600 <= way["MaximumExecutionTimeoutInSeconds"] <= 28800


def test_a_part_of_one_instance_cannot_be_updated(
    stack: cdk.Stack, sagemaker_plan: ServingPlan
) -> None:
    with pytest.raises(InputError, match=r'rollout "canary" .* replicas\.min to 2'):
        make(stack, sagemaker_plan, rollout="canary")


def test_asynchronous_answers_scale_on_their_backlog_and_tell_topics(
    stack: cdk.Stack, sagemaker_plan: ServingPlan
) -> None:
    logs = LogBucket(stack, "AnswerLogs").bucket
    answers = AsynchronousAnswers(stack, "Answers", log_bucket=logs, days=3)
    caller = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    plan = asking(sagemaker_plan, asynchronous=True, max_request_seconds=3600)
    make(stack, plan, asynchronous=answers).grant_invoke(caller)
    output = config(stack)["AsyncInferenceConfig"]["OutputConfig"]
    assert {"KmsKeyId", "NotificationConfig", "S3FailurePath", "S3OutputPath"} == set(output)
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        {
            "TargetTrackingScalingPolicyConfiguration": Match.object_like(
                {
                    "CustomizedMetricSpecification": Match.object_like(
                        {"MetricName": "ApproximateBacklogSizePerInstance"}
                    )
                }
            )
        },
    )
    policies = template.find_resources("AWS::IAM::Policy")
    allowed = {
        name[:6]: str([s["Action"] for s in p["Properties"]["PolicyDocument"]["Statement"]])
        for name, p in policies.items()
    }
    assert "sagemaker:InvokeEndpointAsync" in allowed["Caller"]
    assert "s3:PutObject" in allowed["Caller"]
    assert "sns:Publish" not in allowed["Caller"]
    assert "sns:Publish" in allowed["Summar"]


def test_nothing_is_captured_unasked_and_then_it_is_encrypted(
    stack: cdk.Stack, sagemaker_plan: ServingPlan
) -> None:
    endpoint = make(stack, sagemaker_plan)
    assert endpoint.config.data_capture_config is None
    logs = stack.node.find_child("Logs").bucket  # type: ignore[attr-defined]
    endpoint.capture(CapturedData(stack, "Captured", log_bucket=logs, percent=5, days=9))
    capture = config(stack)["DataCaptureConfig"]
    assert (capture["EnableCapture"], capture["InitialSamplingPercentage"]) == (True, 5)
    assert "KmsKeyId" in capture
    Template.from_stack(stack).has_resource_properties(
        "AWS::S3::Bucket",
        {
            "LifecycleConfiguration": {
                "Rules": [Match.object_like({"ExpirationInDays": 9, "Status": "Enabled"})]
            }
        },
    )


def test_reserved_instances_are_used_alone(stack: cdk.Stack) -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/p"
    make(stack, sagemaker_app.plan()).use_reservation(arn)
    (variant,) = config(stack)["ProductionVariants"]
    assert variant["InstanceType"] == "ml.g6e.xlarge"
    assert not {"InstancePools", "VariantInstanceProvisionTimeoutInSeconds"} & set(variant)
    assert variant["CapacityReservationConfig"] == {
        "CapacityReservationPreference": "capacity-reservations-only",
        "MlReservationArn": arn,
    }


def test_other_bounds_hold_by_the_clock(stack: cdk.Stack, sagemaker_plan: ServingPlan) -> None:
    endpoint = make(stack, sagemaker_plan)
    for name, hour, most in (("day", 8, 9), ("night", 20, 2)):
        endpoint.scale_on_schedule(
            name,
            schedule=f"cron(0 {hour} ? * MON-FRI *)",
            min_replicas=2,
            max_replicas=most,
            timezone="Europe/Berlin",
        )
    Template.from_stack(stack).has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        {
            "ScheduledActions": [
                {
                    "ScheduledActionName": name,
                    "Schedule": f"cron(0 {hour} ? * MON-FRI *)",
                    "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": most},
                    "Timezone": "Europe/Berlin",
                }
                for name, hour, most in (("day", 8, 9), ("night", 20, 2))
            ]
        },
    )


def test_bearer_tokens_are_granted_by_name_only(
    stack: cdk.Stack, sagemaker_plan: ServingPlan
) -> None:
    role = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    endpoint = make(stack, sagemaker_plan)
    endpoint.grant_bearer_tokens(role)
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
    (caller,) = [p for name, p in policies.items() if name.startswith("Caller")]
    token, call = sorted(
        caller["Properties"]["PolicyDocument"]["Statement"], key=lambda s: s["Resource"] != "*"
    )
    # AWS checks the token's action against no resource; what it reaches is the endpoint alone.
    assert token["Action"] == "sagemaker:CallWithBearerToken"
    assert call["Resource"]["Fn::Join"][1][-1].endswith(f":endpoint/{endpoint.endpoint_name}")


@pytest.mark.parametrize(
    ("prefix_list", "leads_to"),
    [("pl-63a5400a", {"DestinationPrefixListId": "pl-63a5400a"}), (None, {"CidrIp": "0.0.0.0/0"})],
)
def test_the_network_lets_weights_in_and_nothing_else_out(
    stack: cdk.Stack,
    sagemaker_plan: ServingPlan,
    prefix_list: str | None,
    leads_to: dict[str, str],
) -> None:
    logs = LogBucket(stack, "Logs").bucket
    VllmSageMakerEndpoint(
        stack,
        "Summaries",
        plan=sagemaker_plan,
        vpc=ec2.Vpc(stack, "Vpc"),
        models=ModelStore(stack, "Models", log_bucket=logs, s3_prefix_list_id=prefix_list),
        image=ExistingImage(stack, "Image", uri=IMAGE),
    )
    template = Template.from_stack(stack)
    (group,) = template.find_resources("AWS::EC2::SecurityGroup").values()
    apart = template.find_resources("AWS::EC2::SecurityGroupEgress").values()
    rules = [*group["Properties"].get("SecurityGroupEgress", []), *(r["Properties"] for r in apart)]
    assert [(r["FromPort"], r["ToPort"]) for r in rules] == [(443, 443)]
    assert leads_to.items() <= rules[0].items()
    assert "SecurityGroupIngress" not in group["Properties"]
