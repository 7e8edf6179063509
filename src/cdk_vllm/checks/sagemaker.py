"""How vLLM is set up on a SageMaker endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.ecs_container import FORBIDDEN_FLAGS, FORBIDDEN_VARIABLES, SAFE_FORMATS
from cdk_vllm.checks.template import (
    Finding,
    Resource,
    Template,
    as_list,
    dig,
    mentions,
    number,
    report,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "AWS::SageMaker::Model"
CONFIG = "AWS::SageMaker::EndpointConfig"
ENDPOINT = "AWS::SageMaker::Endpoint"
CUDA_13_AMI = "al2023-ami-sagemaker-inference-gpu-4-1"
KILL_SECONDS = 30
SECRET_WORDS = ("API_KEY", "HF_TOKEN", "PASSWORD", "SECRET")


def _models(template: Template) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Yield the models that run vLLM with their variables."""
    for model in template.of(MODEL):
        variables = model.get("PrimaryContainer.Environment", {})
        if mentions(variables, "VLLM_"):
            yield model, variables


def _variants(template: Template) -> Iterator[tuple[Resource, dict[str, Any]]]:
    for config in template.of(CONFIG):
        for variant in as_list(config.get("ProductionVariants")):
            yield config, variant


def weights_are_copied_as_they_are(template: Template) -> Iterator[Finding]:
    """A packed model is unpacked at each start; a prefix without a slash matches others too."""
    for model, _ in _models(template):
        source = model.get("PrimaryContainer.ModelDataSource.S3DataSource", {})
        if source.get("CompressionType") != "None":
            yield report(weights_are_copied_as_they_are, model, "CompressionType is not None")
        uri = source.get("S3Uri", "")
        parts = dig(uri, "Fn::Join", ["", [uri]])[1]
        if not str(parts[-1]).endswith("/"):
            yield report(weights_are_copied_as_they_are, model, "S3Uri does not end in a slash")


def isolated_model_streams_nothing(template: Template) -> Iterator[Finding]:
    """An isolated container reaches nothing, not even S3."""
    for model, variables in _models(template):
        streams = mentions(variables.get("SM_VLLM_MODEL"), "s3://")
        if model.get("EnableNetworkIsolation") is True and streams:
            yield report(isolated_model_streams_nothing, model, "streams from S3 in isolation")


def model_has_no_secret(template: Template) -> Iterator[Finding]:
    """DescribeModel shows every variable to whoever may call it."""
    for model, variables in _models(template):
        for name in variables:
            if any(word in name for word in SECRET_WORDS):
                yield report(model_has_no_secret, model, f"{name} is a plain variable")


def model_opens_nothing_dangerous(template: Template) -> Iterator[Finding]:
    """Whoever may invoke the endpoint reaches every route of the server."""
    forbidden = {f"SM_VLLM_{flag[2:].replace('-', '_').upper()}" for flag in FORBIDDEN_FLAGS}
    for model, variables in _models(template):
        for name in sorted((forbidden | set(FORBIDDEN_VARIABLES)) & set(variables)):
            yield report(model_opens_nothing_dangerous, model, f"{name} is set")


def model_loads_safe_weights(template: Template) -> Iterator[Finding]:
    """The default load format falls back to pickled weights; a supervisor may install packages."""
    for model, variables in _models(template):
        if variables.get("SM_VLLM_LOAD_FORMAT") not in SAFE_FORMATS:
            yield report(model_loads_safe_weights, model, "SM_VLLM_LOAD_FORMAT is not safe")
        if variables.get("STANDARD_AUTO_INSTALL_REQ") != "false":
            message = "STANDARD_AUTO_INSTALL_REQ is not false"
            yield report(model_loads_safe_weights, model, message)


def model_drains_in_time(template: Template) -> Iterator[Finding]:
    """SageMaker kills a container 30 s after it told it to stop."""
    for model, variables in _models(template):
        drain = number(variables.get("SM_VLLM_SHUTDOWN_TIMEOUT"))
        if not 0 < drain <= KILL_SECONDS - 5:
            yield report(model_drains_in_time, model, "SM_VLLM_SHUTDOWN_TIMEOUT is not 1 to 25")


def driver_is_new_enough(template: Template) -> Iterator[Finding]:
    """CUDA 13 images do not start on SageMaker's default driver."""
    for config, variant in _variants(template):
        if variant.get("InferenceAmiVersion") != CUDA_13_AMI:
            yield report(driver_is_new_enough, config, f"InferenceAmiVersion is not {CUDA_13_AMI}")


def start_has_time(template: Template) -> Iterator[Finding]:
    """By default a large model's copy and start are given up before they are done."""
    for config, variant in _variants(template):
        for name in (
            "ContainerStartupHealthCheckTimeoutInSeconds",
            "ModelDataDownloadTimeoutInSeconds",
        ):
            if not 600 <= number(variant.get(name)) <= 3600:
                yield report(start_has_time, config, f"{name} is not 600 to 3600")


def requests_go_to_the_least_busy(template: Template) -> Iterator[Finding]:
    """At random, one instance queues while another idles."""
    for config, variant in _variants(template):
        strategy = dig(variant, "RoutingConfig.RoutingStrategy")
        if strategy not in ("LEAST_OUTSTANDING_REQUESTS", "PREFIX_AWARE"):
            yield report(requests_go_to_the_least_busy, config, f"routes {strategy}")


def config_can_be_made(template: Template) -> Iterator[Finding]:
    """Instances with disks of their own refuse a key, and a fixed name cannot be replaced."""
    for config in template.of(CONFIG):
        for name in ("KmsKeyId", "EndpointConfigName"):
            if config.get(name):
                yield report(config_can_be_made, config, f"{name} is set")


def prompts_are_not_captured(template: Template) -> Iterator[Finding]:
    """Data capture writes every prompt and answer to S3."""
    for config in template.of(CONFIG):
        if config.get("DataCaptureConfig.EnableCapture") is True:
            yield report(prompts_are_not_captured, config, "data capture is on")


def failed_update_rolls_back(template: Template) -> Iterator[Finding]:
    """An update that only starts is not one that works."""
    for endpoint in template.of(ENDPOINT):
        if not as_list(endpoint.get("DeploymentConfig.AutoRollbackConfiguration.Alarms")):
            yield report(failed_update_rolls_back, endpoint, "no alarm rolls back")


RULES = (
    weights_are_copied_as_they_are,
    isolated_model_streams_nothing,
    model_has_no_secret,
    model_opens_nothing_dangerous,
    model_loads_safe_weights,
    model_drains_in_time,
    driver_is_new_enough,
    start_has_time,
    requests_go_to_the_least_busy,
    config_can_be_made,
    prompts_are_not_captured,
    failed_update_rolls_back,
)
