"""Inference components: models that share an endpoint's instances, and adapters on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.endpoint import may_call_out
from cdk_vllm.checks.measuring import metric_alarms, metrics_of
from cdk_vllm.checks.sagemaker_operation import COMPONENT, CONFIG, POLICY, TARGET, has_adapters
from cdk_vllm.checks.server_settings import servers
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

RESOURCE = "inference-component/"
LEAST_MEMORY_MIB = 1024
LEAST_WAIT_SECONDS = 60


def _names(template: Template) -> set[str]:
    return {str(component.get("InferenceComponentName")) for component in template.of(COMPONENT)}


def _shared(template: Template) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Yield the variants that name no model, with their configuration: components bring theirs."""
    for config in template.of(CONFIG):
        for variant in as_list(config.get("ProductionVariants")):
            if not variant.get("ModelName") and dig(variant, "ManagedInstanceScaling"):
                yield config, variant


def shared_instances_are_isolated(template: Template) -> Iterator[Finding]:
    """What a model of its own says of its network, the endpoint says for all of its components."""
    for config, _ in _shared(template):
        wrong = {
            "its containers may call out": config.get("EnableNetworkIsolation") is not True
            and not _streams(template)
            and not may_call_out(template),
            "it has no role": not config.get("ExecutionRoleArn"),
            "fewer than two subnets": len(as_list(config.get("VpcConfig.Subnets"))) < 2,
            "no security group": not as_list(config.get("VpcConfig.SecurityGroupIds")),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(shared_instances_are_isolated, config, message)


def _streams(template: Template) -> bool:
    return any(mentions(server.options.get("model"), "s3://") for server in servers(template))


def shared_instances_come_and_go(template: Template) -> Iterator[Finding]:
    """Components wait for instances: SageMaker starts them when asked, stops them singly."""
    for config, variant in _shared(template):
        scaling = "ManagedInstanceScaling."
        least = number(dig(variant, scaling + "MinInstanceCount"))
        most = number(dig(variant, scaling + "MaxInstanceCount"))
        wrong = {
            "managed scaling is off": dig(variant, scaling + "Status") != "ENABLED",
            "its bounds are no bounds": least < 0 or most < max(1.0, least),
            "many stop at once": number(dig(variant, scaling + "ScaleInPolicy.MaximumStepSize"))
            != 1,
            "one stops as soon as it is idle": number(
                dig(variant, scaling + "ScaleInPolicy.CooldownInMinutes")
            )
            < 5,
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(shared_instances_come_and_go, config, message)


def components_have_a_place(template: Template) -> Iterator[Finding]:
    """A component needs a name, a variant that is there, and a model, or a base and an adapter."""
    variants = {
        str(variant.get("VariantName"))
        for config in template.of(CONFIG)
        for variant in as_list(config.get("ProductionVariants"))
    }
    names = _names(template)
    for component in template.of(COMPONENT):
        base = component.get("Specification.BaseInferenceComponentName")
        variant = component.get("VariantName")
        wrong = {
            "it has no name": base is None and not component.get("InferenceComponentName"),
            f"{variant} is no variant of its endpoint": base is None
            and str(variant) not in variants,
            "it has no model": base is None and not component.get("Specification.ModelName"),
            f"its base {base} is no component": isinstance(base, str) and base not in names,
            "it has no adapter": base is not None
            and not component.get("Specification.Container.ArtifactUrl"),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(components_have_a_place, component, message)


def components_start_and_update(template: Template) -> Iterator[Finding]:
    """With no copy a deployment proves nothing; all copies at once are an interruption."""
    for component in template.of(COMPONENT):
        if component.get("Specification.BaseInferenceComponentName"):
            continue
        rolling = "DeploymentConfig.RollingUpdatePolicy."
        memory = "Specification.ComputeResourceRequirements.MinMemoryRequiredInMb"
        wrong = {
            "it starts no copy": number(component.get("RuntimeConfig.CopyCount")) < 1,
            "it has no memory": number(component.get(memory)) < LEAST_MEMORY_MIB,
            "its copies are replaced by none": number(
                component.get(rolling + "MaximumBatchSize.Value")
            )
            < 1,
            "nobody looks before the next copy": number(
                component.get(rolling + "WaitIntervalInSeconds")
            )
            < LEAST_WAIT_SECONDS,
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(components_start_and_update, component, message)


def components_are_called_by_their_names(template: Template) -> Iterator[Finding]:
    """Logs, alarms and scaling know a component by a text: misspelt, each is about nothing."""
    names = _names(template)
    groups = [str(group.get("LogGroupName")) for group in template.of("AWS::Logs::LogGroup")]
    for component in template.of(COMPONENT):
        name = str(component.get("InferenceComponentName"))
        is_adapter = component.get("Specification.BaseInferenceComponentName")
        if not is_adapter and f"/aws/sagemaker/InferenceComponents/{name}" not in groups:
            message = "its log group is not made here"
            yield report(components_are_called_by_their_names, component, message)
    for resource, name in _called(template):
        if name not in names:
            yield report(components_are_called_by_their_names, resource, f"there is no {name}")


def _called(template: Template) -> Iterator[tuple[Resource, str]]:
    """Yield what names a component, with the name; a reference cannot be misspelt."""
    for target in template.of(TARGET):
        place = target.get("ResourceId")
        if str(target.get("ScalableDimension")).startswith("sagemaker:inference"):
            yield from ((target, p.removeprefix(RESOURCE)) for p in [place] if isinstance(p, str))
    for alarm in metric_alarms(template):
        for metric in metrics_of(alarm):
            for dimension in as_list(metric.get("Dimensions")):
                if dimension.get("Name") == "InferenceComponentName":
                    yield alarm, str(dimension.get("Value"))


def adapters_can_be_loaded(template: Template) -> Iterator[Finding]:
    """Beside a component, vLLM loads adapters while it runs, for which it needs room and leave."""
    if not has_adapters(template):
        return
    rooms = [server for server in servers(template) if "enable_lora" in server.options]
    for component in template.of(COMPONENT):
        if component.get("Specification.BaseInferenceComponentName") and not any(
            server.variables.get("VLLM_ALLOW_RUNTIME_LORA_UPDATING") == "True" for server in rooms
        ):
            message = "no model has --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING"
            yield report(adapters_can_be_loaded, component, message)


def steps_start_one(template: Template) -> Iterator[Finding]:
    """The step that wakes what sleeps must add a copy, once, and not one with each request."""
    for policy in template.of(POLICY):
        steps = policy.get("StepScalingPolicyConfiguration")
        if steps is None:
            continue
        adjustments = as_list(steps.get("StepAdjustments"))
        wrong = {
            "it does not add": steps.get("AdjustmentType") != "ChangeInCapacity",
            "it adds with each request": not 30 <= number(steps.get("Cooldown")) <= 600,
            "it adds nothing": not adjustments
            or any(number(a.get("ScalingAdjustment")) < 1 for a in adjustments),
            "it adds too late": any(
                number(a.get("MetricIntervalLowerBound")) != 0 for a in adjustments
            ),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(steps_start_one, policy, message)


RULES = (
    shared_instances_are_isolated,
    shared_instances_come_and_go,
    components_have_a_place,
    components_start_and_update,
    components_are_called_by_their_names,
    adapters_can_be_loaded,
    steps_start_one,
)
