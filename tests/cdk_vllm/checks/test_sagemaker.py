"""Each SageMaker rule by the line that it protects, in every shape an endpoint can have."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.checks import findings, sagemaker
from tests.cdk_vllm import sagemaker_app

if TYPE_CHECKING:
    from collections.abc import Callable

Template = dict[str, Any]

MODEL = "AWS::SageMaker::Model"
CONFIG = "AWS::SageMaker::EndpointConfig"
ENDPOINT = "AWS::SageMaker::Endpoint"
COMPONENT = "AWS::SageMaker::InferenceComponent"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
ALARM = "AWS::CloudWatch::Alarm"
BUCKET = "AWS::S3::Bucket"
VARIANT = "ProductionVariants.0."
VARIABLES = "PrimaryContainer.Environment."
SOURCE = "PrimaryContainer.ModelDataSource.S3DataSource."
GONE = object()


def put(kind: str, path: str, value: Any = GONE, *, holding: str = "") -> Any:
    """Return what sets or takes away a property of every resource of a type that holds a word."""

    def change(template: Template) -> None:
        for body in template["Resources"].values():
            if body["Type"] != kind or holding not in str(body):
                continue
            *parents, last = path.split(".")
            target: Any = body["Properties"]
            for key in parents:
                target = target[int(key)] if key.isdigit() else target.setdefault(key, {})
            if value is GONE:
                target.pop(last, None)
            else:
                target[last] = value

    return change


def without(kind: str, holding: str) -> Any:
    """Return what takes away the resources of a type that hold a word."""

    def change(template: Template) -> None:
        for logical_id, body in list(template["Resources"].items()):
            if body["Type"] == kind and holding in str(body):
                del template["Resources"][logical_id]

    return change


def pools(*names: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"InstanceType": name, "Priority": priority} for name, priority in names]


# Each line takes one hardening away from one shape, and says which rule must see it.
REMOVED: list[tuple[str, str, Any]] = [
    ("weights_are_copied_as_they_are", "plain", put(MODEL, SOURCE + "CompressionType", "Gzip")),
    ("weights_are_copied_as_they_are", "plain", put(MODEL, SOURCE + "S3Uri", "s3://b/m/q")),
    (
        "isolated_model_streams_nothing",
        "plain",
        put(MODEL, VARIABLES + "SM_VLLM_MODEL", "s3://b/m/q/"),
    ),
    ("model_has_no_secret", "plain", put(MODEL, VARIABLES + "HF_TOKEN", "x")),
    (
        "model_opens_nothing_dangerous",
        "plain",
        put(MODEL, VARIABLES + "VLLM_ALLOW_RUNTIME_LORA_UPDATING", "True"),
    ),
    (
        "model_opens_nothing_dangerous",
        "shared",
        put(MODEL, VARIABLES + "SM_VLLM_TRUST_REMOTE_CODE", "true"),
    ),
    ("model_loads_safe_weights", "plain", put(MODEL, VARIABLES + "SM_VLLM_LOAD_FORMAT", "auto")),
    ("model_drains_in_time", "plain", put(MODEL, VARIABLES + "SM_VLLM_SHUTDOWN_TIMEOUT", "26")),
    ("driver_is_new_enough", "plain", put(CONFIG, VARIANT + "InferenceAmiVersion")),
    ("driver_is_new_enough", "shared", put(CONFIG, VARIANT + "InferenceAmiVersion")),
    (
        "start_has_time",
        "plain",
        put(CONFIG, VARIANT + "ContainerStartupHealthCheckTimeoutInSeconds"),
    ),
    ("start_has_time", "plain", put(CONFIG, VARIANT + "ModelDataDownloadTimeoutInSeconds", 3601)),
    ("start_has_time", "plain", put(MODEL, VARIABLES + "VLLM_ENGINE_READY_TIMEOUT_S", "601")),
    ("start_has_time", "shared", put(COMPONENT, "Specification.StartupParameters", {})),
    ("capacity_falls_back_in_order", "plain", put(CONFIG, VARIANT + "InstancePools")),
    (
        "capacity_falls_back_in_order",
        "plain",
        put(CONFIG, VARIANT + "InstanceType", "ml.g5.xlarge"),
    ),
    (
        "capacity_falls_back_in_order",
        "plain",
        put(CONFIG, VARIANT + "InstancePools", pools(("a", 1), ("b", 1))),
    ),
    (
        "capacity_falls_back_in_order",
        "plain",
        put(CONFIG, VARIANT + "InstancePools", pools(("a", 2), ("b", 1))),
    ),
    (
        "capacity_falls_back_in_order",
        "plain",
        put(CONFIG, VARIANT + "InstancePools", pools(("a", 1), ("a", 2))),
    ),
    (
        "capacity_falls_back_in_order",
        "plain",
        put(CONFIG, VARIANT + "InstancePools", pools(*((str(i), i) for i in range(1, 7)))),
    ),
    *[("model_calls_nobody", "plain", put(MODEL, VARIABLES + name)) for name in sagemaker.SILENT],
    ("model_knows_its_options", "plain", put(MODEL, VARIABLES + "SM_VLLM_SWAP_SPACE", "4")),
    ("compiled_code_stays_private", "plain", put(MODEL, VARIABLES + "VLLM_CACHE_ROOT")),
    (
        "compiled_code_stays_private",
        "plain",
        put(MODEL, VARIABLES + "VLLM_CACHE_ROOT", "/opt/ml/model/cache"),
    ),
    ("nobody_enters_an_instance", "plain", put(CONFIG, VARIANT + "EnableSSMAccess", value=True)),
    ("requests_go_to_the_least_busy", "plain", put(CONFIG, VARIANT + "RoutingConfig")),
    (
        "requests_go_to_the_least_busy",
        "plain",
        put(CONFIG, VARIANT + "RoutingConfig.RoutingStrategy", "KV_AWARE"),
    ),
    ("config_can_be_made", "plain", put(CONFIG, "KmsKeyId", "key")),
    ("config_can_be_made", "plain", put(CONFIG, "EndpointConfigName", "fixed")),
    (
        "failed_update_rolls_back",
        "plain",
        put(ENDPOINT, "DeploymentConfig.AutoRollbackConfiguration"),
    ),
    (
        "failed_update_rolls_back",
        "shared",
        put(COMPONENT, "DeploymentConfig", holding="rare"),
    ),
    ("update_has_an_order", "plain", put(ENDPOINT, "DeploymentConfig.BlueGreenUpdatePolicy")),
    ("endpoint_keeps_its_name", "plain", put(ENDPOINT, "EndpointName")),
    (
        "scales_on_requests_in_progress",
        "plain",
        put(
            POLICY,
            "TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification",
            {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        ),
    ),
    ("scales_on_requests_in_progress", "plain", without(POLICY, "TargetTracking")),
    (
        "scales_on_requests_in_progress",
        "asynchronous",
        put(
            POLICY,
            "TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification.MetricName",
            "GPUUtilization",
        ),
    ),
    ("what_sleeps_is_woken", "shared", without(POLICY, "StepScaling")),
    ("what_sleeps_is_woken", "shared", without(ALARM, "NoCapacityInvocationFailures")),
    (
        "what_sleeps_is_woken",
        "shared",
        put(ALARM, "AlarmActions", ["arn:elsewhere"], holding="NoCapacityInvocationFailures"),
    ),
    (
        "components_say_what_they_need",
        "shared",
        put(COMPONENT, "Specification.ComputeResourceRequirements", {}, holding="ModelName"),
    ),
    ("captured_prompts_are_kept_safe", "plain", put(CONFIG, "DataCaptureConfig.KmsKeyId")),
    (
        "captured_prompts_are_kept_safe",
        "plain",
        put(BUCKET, "LifecycleConfiguration", holding="sagemaker"),
    ),
    *[
        (
            "asynchronous_answers_are_kept_safe",
            "asynchronous",
            put(CONFIG, f"AsyncInferenceConfig.OutputConfig.{name}"),
        )
        for name in ("KmsKeyId", "S3FailurePath", "NotificationConfig")
    ],
    (
        "asynchronous_requests_fit_a_batch",
        "asynchronous",
        put(CONFIG, "AsyncInferenceConfig.ClientConfig", {}),
    ),
    (
        "asynchronous_answers_are_kept_safe",
        "asynchronous",
        put(BUCKET, "LifecycleConfiguration", holding="sagemaker"),
    ),
]


@pytest.mark.parametrize(
    ("rule", "shape", "change"),
    REMOVED,
    ids=[f"{number}-{rule}-{shape}" for number, (rule, shape, _) in enumerate(REMOVED)],
)
def test_a_hardening_line_that_is_gone_is_found(
    rule: str, shape: str, change: Callable[[Template], None]
) -> None:
    template = copy.deepcopy(sagemaker_app.templates()[shape])
    change(template)
    assert rule in {finding.rule for finding in findings(template)}


def test_every_rule_has_a_removal() -> None:
    assert {rule for rule, _, _ in REMOVED} == {rule.__name__ for rule in sagemaker.RULES}


def test_adapters_as_components_may_open_the_route_that_loads_them() -> None:
    template = copy.deepcopy(sagemaker_app.templates()["shared"])
    text = str(template)
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" in text
    assert "model_opens_nothing_dangerous" not in {f.rule for f in findings(template)}
    without(COMPONENT, "BaseInferenceComponentName")(template)
    assert "model_opens_nothing_dangerous" in {f.rule for f in findings(template)}


def test_what_is_captured_into_another_stack_s_bucket_is_that_stack_s_to_keep() -> None:
    template = copy.deepcopy(sagemaker_app.templates()["plain"])
    put(CONFIG, "DataCaptureConfig.DestinationS3Uri", {"Fn::ImportValue": "bucket"})(template)
    assert "captured_prompts_are_kept_safe" not in {f.rule for f in findings(template)}
