"""Every shape of a SageMaker endpoint: valid, hardened, and really made by the embedded AWS."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template
from moto import mock_aws

from cdk_vllm.checks import findings
from cdk_vllm.constructs import ExistingImage, LogBucket, ModelStore, Network, VllmSharedEndpoint
from cdk_vllm.embedded_aws import install
from cdk_vllm.embedded_aws.readback import read_back
from cdk_vllm.embedded_aws.recorded import recorded_types
from cdk_vllm.errors import InputError, PlanError
from tests.cdk_vllm import sagemaker_app
from tests.cdk_vllm.sagemaker_app import IMAGE, shared_plan, with_adapters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import aws_cdk as cdk

SHAPES = ("asynchronous", "plain", "shared")


@pytest.fixture
def client() -> Iterator[Callable[[str], Any]]:
    install()

    @cache
    def client(service: str) -> Any:
        make: Any = boto3.client
        return make(
            service,
            region_name=sagemaker_app.REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    with mock_aws():
        yield client


def test_cloudformation_s_own_rules_find_nothing(tmp_path: Path) -> None:
    sagemaker_app.app(tmp_path, validate=True).synth()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_hardened(shape: str) -> None:
    assert findings(sagemaker_app.templates()[shape]) == []


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_made_and_goes(shape: str, client: Callable[[str], Any]) -> None:
    body = json.dumps(sagemaker_app.templates()[shape])
    client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Type="String", Value="30")
    client("cloudformation").create_stack(
        StackName=shape, TemplateBody=body, Capabilities=["CAPABILITY_IAM"]
    )
    read = read_back(client, shape, recorded_types())
    assert [r for r in read.resources if r.outcome == "skipped"] == []
    served = {r.resource_type for r in read.of("served")}
    assert "AWS::SageMaker::Endpoint" in served
    client("cloudformation").delete_stack(StackName=shape)
    assert client("sagemaker").list_endpoints()["Endpoints"] == []
    assert client("sagemaker").list_inference_components()["InferenceComponents"] == []


def test_boto3_shows_components_pools_and_what_wakes_them(client: Callable[[str], Any]) -> None:
    client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Type="String", Value="30")
    for shape in ("plain", "shared"):
        client("cloudformation").create_stack(
            StackName=shape,
            TemplateBody=json.dumps(sagemaker_app.templates()[shape]),
            Capabilities=["CAPABILITY_IAM"],
        )
    sagemaker = client("sagemaker")
    names = [e["EndpointName"] for e in sagemaker.list_endpoints()["Endpoints"]]
    plain, shared = sorted(names)
    (variant,) = sagemaker.describe_endpoint(EndpointName=plain)["ProductionVariants"]
    first, *others = variant["InstancePools"]
    assert (first["InstanceType"], first["CurrentInstanceCount"]) == ("ml.g6e.xlarge", 2)
    assert {pool["CurrentInstanceCount"] for pool in others} == {0}
    components = sagemaker.list_inference_components(EndpointNameEquals=shared)
    assert len(components["InferenceComponents"]) == 3
    scaling = client("application-autoscaling")
    policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    (step,) = [p for p in policies if p["PolicyType"] == "StepScaling"]
    alarms = client("cloudwatch").describe_alarms()["MetricAlarms"]
    (wake,) = [a for a in alarms if a.get("MetricName") == "NoCapacityInvocationFailures"]
    assert wake["AlarmActions"] == [step["PolicyARN"]]
    targets = scaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[step["ResourceId"]]
    )["ScalableTargets"]
    assert [(t["MinCapacity"], t["MaxCapacity"]) for t in targets] == [(0, 2)]


def make(stack: cdk.Stack, **options: Any) -> tuple[VllmSharedEndpoint, dict[str, Any]]:
    logs = LogBucket(stack, "Logs").bucket
    source = {
        "models": ModelStore(stack, "Models", log_bucket=logs),
        "image": ExistingImage(stack, "Image", uri=IMAGE),
    }
    vpc = Network(stack, "Network", log_bucket=logs).vpc
    given = {"plan": shared_plan(), "vpc": vpc, "max_instances": 1, **options}
    return VllmSharedEndpoint(stack, "Shared", **given), source


def test_what_does_not_fit_is_refused_before_it_is_paid_for(stack: cdk.Stack) -> None:
    endpoint, source = make(stack)
    endpoint.add_model("One", plan=shared_plan(), min_copies=3, max_copies=3, **source)
    with pytest.raises(InputError, match=r"needs 2 x 1 GPUs .* 2 instances of ml\.g6e\.12xlarge"):
        endpoint.add_model("Two", plan=shared_plan(), min_copies=2, max_copies=2, **source)
    other = replace(shared_plan(), instance_type="ml.g5.12xlarge")
    with pytest.raises(PlanError, match="one instance type"):
        endpoint.add_model("Three", plan=other, **source)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"max_instances": 0}, "max_instances of 1 or more"),
        ({"min_instances": 3, "max_instances": 2}, "3 to 2 instances"),
    ],
)
def test_wrong_numbers_of_instances_are_refused(
    stack: cdk.Stack, options: dict[str, int], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        make(stack, **options)


def test_a_model_that_cannot_be_served_so_is_refused(stack: cdk.Stack) -> None:
    endpoint, source = make(stack)
    with pytest.raises(InputError, match="2 to 1 copies"):
        endpoint.add_model("Wrong", plan=shared_plan(), min_copies=2, max_copies=1, **source)
    streams = replace(shared_plan(), load="stream")
    with pytest.raises(InputError, match="isolated endpoint cannot reach"):
        endpoint.add_model("Streams", plan=streams, **source)
    model = endpoint.add_model("Plain", plan=shared_plan(), **source)
    with pytest.raises(InputError, match="no room for adapters"):
        model.add_adapter("Medical", bucket=source["models"].bucket, key="a.tar.gz")


def test_an_adapter_takes_no_gpu_and_opens_the_route_that_loads_it(stack: cdk.Stack) -> None:
    endpoint, source = make(stack)
    model = endpoint.add_model("Chat", plan=with_adapters(shared_plan()), **source)
    model.add_adapter("Medical", bucket=source["models"].bucket, key="adapters/medical.tar.gz")
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::SageMaker::InferenceComponent",
        {
            "Specification": {
                "BaseInferenceComponentName": model.component_name,
                "Container": {"ArtifactUrl": Match.any_value()},
            },
            "RuntimeConfig": Match.absent(),
        },
    )
    template.has_resource_properties(
        "AWS::SageMaker::Model",
        {
            "PrimaryContainer": Match.object_like(
                {
                    "Environment": Match.object_like(
                        {
                            "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
                            "SM_VLLM_ENABLE_LORA": "true",
                        }
                    )
                }
            )
        },
    )


def test_callers_of_one_model_reach_no_other(stack: cdk.Stack) -> None:
    endpoint, source = make(stack)
    model = endpoint.add_model("Chat", plan=shared_plan(), **source)
    role = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    model.grant_invoke(role)
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
    (policy,) = [p for name, p in policies.items() if name.startswith("Caller")]
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    reached = {str(r["Fn::Join"][1][-1]) for r in statement["Resource"]}
    assert reached == {
        f":endpoint/{endpoint.endpoint_name}",
        f":inference-component/{model.component_name}",
    }


@pytest.mark.parametrize("granted_first", [True, False])
def test_callers_of_a_model_reach_its_adapters(stack: cdk.Stack, granted_first: bool) -> None:
    endpoint, source = make(stack)
    model = endpoint.add_model("Chat", plan=with_adapters(shared_plan()), **source)
    role = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    if granted_first:
        model.grant_invoke(role)
    adapter = model.add_adapter("Medical", bucket=source["models"].bucket, key="a.tar.gz")
    if not granted_first:
        model.grant_invoke(role)
    arn = {"Fn::GetAtt": [stack.get_logical_id(adapter), "InferenceComponentArn"]}
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
    (policy,) = [p for name, p in policies.items() if name.startswith("Caller")]
    assert str(arn) in str(policy["Properties"]["PolicyDocument"]["Statement"])


def test_openai_clients_name_the_component_in_the_address(stack: cdk.Stack) -> None:
    endpoint, source = make(stack)
    model = endpoint.add_model("Chat", plan=shared_plan(), **source)
    role = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    model.grant_bearer_tokens(role)
    tail = stack.resolve(model.openai_base_url)["Fn::Join"][1][-1]
    shared, own = endpoint.endpoint_name, model.component_name
    assert tail == f"/endpoints/{shared}/inference-components/{own}/openai/v1"
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
    (policy,) = [p for name, p in policies.items() if name.startswith("Caller")]
    assert "sagemaker:CallWithBearerToken" in str(policy)


def test_a_copy_costs_its_share_and_has_hours_of_its_own(stack: cdk.Stack) -> None:
    endpoint, source = make(stack)
    plan = shared_plan()
    model = endpoint.add_model("Chat", plan=plan, max_copies=2, **source)
    assert plan.usd_per_hour is not None
    assert model.usd_per_hour == pytest.approx(plan.usd_per_hour / 4)
    model.scale_on_schedule(
        "night",
        schedule="cron(0 20 * * ? *)",
        min_copies=0,
        max_copies=1,
        timezone="Europe/Berlin",
    )
    Template.from_stack(stack).has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        {
            "ScheduledActions": [
                {
                    "ScheduledActionName": "night",
                    "Schedule": "cron(0 20 * * ? *)",
                    "ScalableTargetAction": {"MinCapacity": 0, "MaxCapacity": 1},
                    "Timezone": "Europe/Berlin",
                }
            ]
        },
    )


def test_what_sleeps_by_the_clock_alone_is_woken_too(stack: cdk.Stack) -> None:
    endpoint, source = make(stack)
    model = endpoint.add_model("Chat", plan=shared_plan(), max_copies=2, **source)
    assert model.node.try_find_child("Wake") is None
    for name, hour in (("night", 20), ("weekend", 8)):
        model.scale_on_schedule(
            name, schedule=f"cron(0 {hour} * * ? *)", min_copies=0, max_copies=1, timezone="UTC"
        )
    alarms = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
    watched = [alarm["Properties"].get("MetricName") for alarm in alarms]
    assert watched.count("NoCapacityInvocationFailures") == 1


def test_metrics_are_the_component_s(stack: cdk.Stack) -> None:
    endpoint, source = make(stack)
    model = endpoint.add_model("Chat", plan=shared_plan(), **source)
    metric = model.metric("CPUUtilization", "Maximum", namespace="/aws/sagemaker/Endpoints")
    assert metric.namespace == "/aws/sagemaker/InferenceComponents"
    assert metric.dimensions == {"InferenceComponentName": model.component_name}
