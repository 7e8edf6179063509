"""How vLLM is set up on a SageMaker endpoint: the model, its options, and its one variant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm import catalog
from cdk_vllm.checks import sagemaker_operation
from cdk_vllm.checks.ecs_container import (
    FORBIDDEN_FLAGS,
    FORBIDDEN_VARIABLES,
    RUNTIME_ADAPTERS,
    SAFE_FORMATS,
)
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
CUDA_13_AMI = "al2023-ami-sagemaker-inference-gpu-4-1"
KILL_SECONDS = 30
SECRET_WORDS = ("API_KEY", "HF_TOKEN", "PASSWORD", "SECRET")
OPTION = "SM_VLLM_"
MOST_POOLS = 5
SILENT = {
    "HF_HUB_OFFLINE": "1",
    "OPT_OUT_TRACKING": "true",
    "STANDARD_AUTO_INSTALL_REQ": "false",
    "VLLM_NO_USAGE_STATS": "1",
}
# What SageMaker copies from S3; whatever lies there is executed by every instance.
WEIGHTS = "/opt/ml/model"


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
    for model, variables in _models(template):
        if mentions(variables.get("SM_VLLM_MODEL"), "s3://"):
            continue
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
    """Whoever may invoke the endpoint reaches every route of the server.

    Adapters as components are loaded through a route that SageMaker alone reaches.
    """
    flags = {f"{OPTION}{flag[2:].replace('-', '_').upper()}" for flag in FORBIDDEN_FLAGS}
    forbidden = flags | set(FORBIDDEN_VARIABLES)
    if not sagemaker_operation.has_adapters(template):
        forbidden |= {RUNTIME_ADAPTERS}
    for model, variables in _models(template):
        if variables.get("VLLM_LOGGING_LEVEL") == "DEBUG":
            yield report(model_opens_nothing_dangerous, model, "DEBUG logs prompts")
        for name in sorted(forbidden & set(variables)):
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
    """By default a large model's copy and start are given up before they are done.

    What the engine gives itself, SageMaker must give it too; where several models share an
    instance, each component has its own times.
    """
    ready = {number(v.get("VLLM_ENGINE_READY_TIMEOUT_S")) for _, v in _models(template)}
    for resource, given in _start_times(template):
        for name in START_TIMES:
            seconds = number(given.get(name))
            if not 600 <= seconds <= 3600:
                yield report(start_has_time, resource, f"{name} is not 600 to 3600")
            elif ready and seconds not in ready:
                message = f"{name} is not the engine's own VLLM_ENGINE_READY_TIMEOUT_S"
                yield report(start_has_time, resource, message)


START_TIMES = (
    "ContainerStartupHealthCheckTimeoutInSeconds",
    "ModelDataDownloadTimeoutInSeconds",
)


def _start_times(template: Template) -> Iterator[tuple[Resource, dict[str, Any]]]:
    yield from ((c, v) for c, v in _variants(template) if v.get("ModelName"))
    for component in template.of(sagemaker_operation.COMPONENT):
        if not component.get("Specification.BaseInferenceComponentName"):
            yield component, component.get("Specification.StartupParameters") or {}


def capacity_falls_back_in_order(template: Template) -> Iterator[Finding]:
    """Where one type is sold out, another takes over: each once, and no two equally early."""
    for config, variant in _variants(template):
        pools = as_list(variant.get("InstancePools"))
        types = [dig(pool, "InstanceType") for pool in pools]
        order = [number(dig(pool, "Priority")) for pool in pools]
        if bool(pools) == bool(variant.get("InstanceType")):
            message = "needs InstancePools or an InstanceType, not both"
            yield report(capacity_falls_back_in_order, config, message)
        elif len(pools) > MOST_POOLS or len(set(types)) < len(types):
            message = f"InstancePools are not one to {MOST_POOLS} distinct types"
            yield report(capacity_falls_back_in_order, config, message)
        elif order != sorted(set(order)):
            message = "the Priority of InstancePools does not ascend"
            yield report(capacity_falls_back_in_order, config, message)


def model_calls_nobody(template: Template) -> Iterator[Finding]:
    """Weights lie in S3: a container that asks anybody else fails when they do."""
    for model, variables in _models(template):
        for name, value in SILENT.items():
            if variables.get(name) != value:
                yield report(model_calls_nobody, model, f"{name} is not {value}")


def model_knows_its_options(template: Template) -> Iterator[Finding]:
    """An option that vLLM does not have ends the container when it has been paid for."""
    known = {f"{OPTION}{name.upper()}" for name in catalog.engine_options()}
    for model, variables in _models(template):
        for name in variables:
            if name.startswith(OPTION) and name != f"{OPTION}MODEL" and name not in known:
                yield report(model_knows_its_options, model, f"{name} is no option of vLLM's")


def compiled_code_stays_private(template: Template) -> Iterator[Finding]:
    """What the engine compiles it executes later: nobody else may write where it lies."""
    for model, variables in _models(template):
        cache = str(variables.get("VLLM_CACHE_ROOT", ""))
        if not cache.startswith("/") or cache.startswith(WEIGHTS):
            message = f"VLLM_CACHE_ROOT is {cache or 'not set'}"
            yield report(compiled_code_stays_private, model, message)


def nobody_enters_an_instance(template: Template) -> Iterator[Finding]:
    """A shell on an instance reads every prompt."""
    for config, variant in _variants(template):
        if variant.get("EnableSSMAccess") is not False:
            yield report(nobody_enters_an_instance, config, "EnableSSMAccess is not false")


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


RULES = (
    weights_are_copied_as_they_are,
    isolated_model_streams_nothing,
    model_has_no_secret,
    model_opens_nothing_dangerous,
    model_loads_safe_weights,
    model_drains_in_time,
    driver_is_new_enough,
    start_has_time,
    capacity_falls_back_in_order,
    model_calls_nobody,
    model_knows_its_options,
    compiled_code_stays_private,
    nobody_enters_an_instance,
    requests_go_to_the_least_busy,
    config_can_be_made,
    *sagemaker_operation.RULES,
)
