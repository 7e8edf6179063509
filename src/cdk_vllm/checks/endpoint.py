"""How a SageMaker endpoint is put together, and how far services of both kinds scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm import catalog
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
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
TRACKING = "TargetTrackingScalingPolicyConfiguration."
LEAST_BAKE_SECONDS = 300
ISOLATION = "cdk-vllm:network-isolation"
"""In the metadata of a template whose models may call out because somebody asked for it."""


def model_is_isolated(template: Template) -> Iterator[Finding]:
    """A container with its weights beside it needs no network, and what it has can be abused.

    Weights that stream need one; otherwise the template says that isolation was switched off.
    """
    for model in template.of(MODEL):
        streams = mentions(model.get("PrimaryContainer.Environment.SM_VLLM_MODEL"), "s3://")
        isolated = model.get("EnableNetworkIsolation") is True
        wrong = {
            "it may call out": not isolated and not streams and not may_call_out(template),
            "it has no role": not model.get("ExecutionRoleArn"),
            "it has no image": not model.get("PrimaryContainer.Image"),
            "fewer than two subnets": len(as_list(model.get("VpcConfig.Subnets"))) < 2,
            "no security group": not as_list(model.get("VpcConfig.SecurityGroupIds")),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(model_is_isolated, model, message)


def may_call_out(template: Template) -> bool:
    """Tell whether isolation was switched off on purpose."""
    return f'"{ISOLATION}": "off"' in template.text


def endpoint_image_is_fixed(template: Template) -> Iterator[Finding]:
    """A tag can be moved: an instance that scaling adds would run other code than the rest."""
    for model in template.of(MODEL):
        image = model.get("PrimaryContainer.Image")
        if isinstance(image, str) and "@sha256:" not in image:
            yield report(endpoint_image_is_fixed, model, f"{image} is not named by digest")


def variants_are_what_was_planned(template: Template) -> Iterator[Finding]:
    """What a variant leaves out, SageMaker refuses or chooses, after half an hour."""
    known = {i.sagemaker for i in catalog.instances().values() if i.sagemaker}
    for config in template.of(CONFIG):
        for variant in as_list(config.get("ProductionVariants")):
            for message in _variant_faults(variant, known):
                yield report(variants_are_what_was_planned, config, message)


def _variant_faults(variant: dict[str, Any], known: set[str]) -> Iterator[str]:
    name = variant.get("InstanceType")
    pools = as_list(variant.get("InstancePools"))
    names = [name] if name is not None else [pool.get("InstanceType") for pool in pools]
    components = "ModelName" not in variant and dig(variant, "ManagedInstanceScaling")
    if not names or any(isinstance(n, str) and n not in known for n in names):
        yield "it has no instance type of SageMaker's"
    if not components and not variant.get("ModelName"):
        yield "it has no model"
    if number(variant.get("InitialInstanceCount")) < 1:
        yield "it starts with no instance"
    if number(variant.get("InitialVariantWeight", 1)) <= 0:
        yield "it gets no requests"
    if variant.get("EnableSSMAccess") is not False:
        yield "somebody may log in"


def update_is_watched_and_ends(template: Template) -> Iterator[Finding]:
    """Alarms need minutes of requests to see a fault; an update without an end hides one."""
    for endpoint in template.of(ENDPOINT):
        policy = "DeploymentConfig.BlueGreenUpdatePolicy."
        routing = policy + "TrafficRoutingConfiguration."
        if endpoint.get("RetainAllVariantProperties") is not True:
            message = "the instances that scaling added are dropped"
            yield report(update_is_watched_and_ends, endpoint, message)
        if not endpoint.get(policy.removesuffix(".")):
            continue
        wait = number(endpoint.get(routing + "WaitIntervalInSeconds"))
        most = number(endpoint.get(policy + "MaximumExecutionTimeoutInSeconds"))
        wrong = {
            f"it bakes for less than {LEAST_BAKE_SECONDS} s": wait < LEAST_BAKE_SECONDS,
            "it has no end": not 600 <= most <= 28800,
            "its end comes before its bake": most <= wait,
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(update_is_watched_and_ends, endpoint, message)


def endpoints_report_themselves(template: Template) -> Iterator[Finding]:
    """Without them CloudWatch knows no instance apart, and nothing of what the engine reports."""
    for config in template.of(CONFIG):
        for name in ("EnableDetailedObservability", "EnableEnhancedMetrics"):
            if config.get(f"MetricsConfig.{name}") is not True:
                yield report(endpoints_report_themselves, config, f"{name} is not true")


def logs_belong_to_the_endpoint(template: Template) -> Iterator[Finding]:
    """SageMaker makes a log group of its own, unencrypted and endless, unless one is there."""
    groups = {str(group.get("LogGroupName")) for group in template.of("AWS::Logs::LogGroup")}
    for endpoint in template.of(ENDPOINT):
        name = endpoint.get("EndpointName")
        if f"/aws/sagemaker/Endpoints/{name}" not in groups:
            yield report(logs_belong_to_the_endpoint, endpoint, "its log group is not made here")


def scaling_reaches_its_variant(template: Template) -> Iterator[Finding]:
    """Scaling names its variant in a text; where the two differ nothing ever scales."""
    scaled = str([target.get("ResourceId") for target in template.of(TARGET)])
    for config in template.of(CONFIG):
        for variant in as_list(config.get("ProductionVariants")):
            if "variant/" in scaled and f"variant/{variant.get('VariantName')}" not in scaled:
                message = f"nothing scales {variant.get('VariantName')}"
                yield report(scaling_reaches_its_variant, config, message)


def scaling_has_bounds_and_a_target(template: Template) -> Iterator[Finding]:
    """A policy without a target or a sensible value never acts, or acts on each request."""
    for target in template.of(TARGET):
        least, most = number(target.get("MinCapacity")), number(target.get("MaxCapacity"))
        if not max(least, 1.0) <= most:
            yield report(scaling_has_bounds_and_a_target, target, "MaxCapacity is below Min, or 0")
        for action in as_list(target.get("ScheduledActions")):
            for message in _action_faults(action):
                yield report(scaling_has_bounds_and_a_target, target, message)
        for message in _directions(template, target):
            yield report(scaling_has_bounds_and_a_target, target, message)
    for policy in template.of(POLICY):
        for message in _policy_faults(policy):
            yield report(scaling_has_bounds_and_a_target, policy, message)


def _directions(template: Template, target: Resource) -> Iterator[str]:
    """What only grows is paid for ever; one policy of several is enough to shrink by."""
    reference = {"Ref": target.logical_id}
    policies = [p for p in template.of(POLICY) if p.get("ScalingTargetId") == reference]
    tracking = [p.get(TRACKING.removesuffix(".")) for p in policies]
    if any(tracking) and all(t.get("DisableScaleIn") is True for t in tracking if t):
        yield "nothing scales it in"


def _action_faults(action: dict[str, Any]) -> Iterator[str]:
    bounds = action.get("ScalableTargetAction") or {}
    if not {"MinCapacity", "MaxCapacity"} & bounds.keys():
        yield "a scheduled action changes nothing"
    if "MinCapacity" in bounds and number(bounds["MinCapacity"]) < 1 and not action.get("EndTime"):
        yield "a scheduled action leaves no replica"
    if "MaxCapacity" in bounds and number(bounds["MaxCapacity"]) < max(
        1.0, number(bounds.get("MinCapacity"))
    ):
        yield "a scheduled action leaves room for no replica"
    schedule, zone = str(action.get("Schedule")), action.get("Timezone")
    if not schedule.startswith(("cron(", "rate(", "at(")):
        yield "a schedule is no schedule"
    if schedule.startswith("cron(") and zone != "UTC" and "/" not in str(zone):
        yield "a schedule is in no time zone"


def _policy_faults(policy: Resource) -> Iterator[str]:
    if not policy.get("ScalingTargetId") and not policy.get("ResourceId"):
        yield "it scales nothing"
    if not policy.get(TRACKING.removesuffix(".")):
        return
    if number(policy.get(TRACKING + "TargetValue")) <= 0:
        yield "TargetValue is not above 0"
    predefined = TRACKING + "PredefinedMetricSpecification."
    kind = policy.get(predefined + "PredefinedMetricType")
    if kind == "ALBRequestCountPerTarget" and not policy.get(predefined + "ResourceLabel"):
        yield "requests of no target group"


RULES = (
    model_is_isolated,
    endpoint_image_is_fixed,
    variants_are_what_was_planned,
    update_is_watched_and_ends,
    endpoints_report_themselves,
    logs_belong_to_the_endpoint,
    scaling_reaches_its_variant,
    scaling_has_bounds_and_a_target,
)
