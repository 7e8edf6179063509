"""How a SageMaker endpoint is updated, scaled and woken, and what it writes down."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cdk_vllm.checks.template import Finding, Resource, Template, as_list, dig, number, report

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = "AWS::SageMaker::EndpointConfig"
ENDPOINT = "AWS::SageMaker::Endpoint"
COMPONENT = "AWS::SageMaker::InferenceComponent"
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
COPIES = "sagemaker:inference-component:DesiredCopyCount"
TRACKING = "TargetTrackingScalingPolicyConfiguration"
BACKLOG = "ApproximateBacklogSizePerInstance"
MISSED = ("NoCapacityInvocationFailures", "HasBacklogWithoutCapacity", "HTTPCode_ELB_503_Count")
"""What counts requests that found nobody: components, asynchronous ones, and ECS's balancer."""


def has_adapters(template: Template) -> bool:
    """Tell whether a component is an adapter of another."""
    return any(c.get("Specification.BaseInferenceComponentName") for c in template.of(COMPONENT))


def failed_update_rolls_back(template: Template) -> Iterator[Finding]:
    """An update that only starts is not one that works; a shared endpoint's models update alone."""
    updated: list[Resource] = [e for e in template.of(ENDPOINT) if not _is_shared(template, e)]
    updated += [
        component
        for component in template.of(COMPONENT)
        if not component.get("Specification.BaseInferenceComponentName")
    ]
    for resource in updated:
        if not as_list(resource.get("DeploymentConfig.AutoRollbackConfiguration.Alarms")):
            yield report(failed_update_rolls_back, resource, "no alarm rolls back")


def _is_shared(template: Template, endpoint: Resource) -> bool:
    """A configuration whose variants name no model is one for components."""
    attribute = as_list(dig(endpoint.get("EndpointConfigName"), "Fn::GetAtt"))
    for config in template.of(CONFIG):
        if config.logical_id in attribute:
            variants = as_list(config.get("ProductionVariants"))
            return not any(variant.get("ModelName") for variant in variants)
    return False


def update_has_an_order(template: Template) -> Iterator[Finding]:
    """Everything at once, with nothing watched, is how an endpoint goes down with its update."""
    for endpoint in template.of(ENDPOINT):
        deployment = endpoint.get("DeploymentConfig") or {}
        ways = {"BlueGreenUpdatePolicy", "RollingUpdatePolicy"} & set(deployment)
        if not _is_shared(template, endpoint) and len(ways) != 1:
            message = "DeploymentConfig has not one of BlueGreenUpdatePolicy, RollingUpdatePolicy"
            yield report(update_has_an_order, endpoint, message)


def endpoint_keeps_its_name(template: Template) -> Iterator[Finding]:
    """Callers, alarms and logs know an endpoint by its name, and a new one has another."""
    for endpoint in template.of(ENDPOINT):
        if not endpoint.get("EndpointName"):
            yield report(endpoint_keeps_its_name, endpoint, "EndpointName is not set")


def _on_sagemaker(template: Template) -> Iterator[Resource]:
    for target in template.of(TARGET):
        if target.get("ServiceNamespace") == "sagemaker":
            yield target


def _policies(template: Template, target: Resource) -> list[Resource]:
    reference = {"Ref": target.logical_id}
    return [p for p in template.of(POLICY) if p.get("ScalingTargetId") == reference]


def scales_on_requests_in_progress(template: Template) -> Iterator[Finding]:
    """Streams last for minutes; a count of finished requests each minute sees them too late."""
    for target in _on_sagemaker(template):
        tracking = [p.get(TRACKING) for p in _policies(template, target) if p.get(TRACKING)]
        if not tracking:
            message = "nothing scales it"
            yield report(scales_on_requests_in_progress, target, message)
        for policy in tracking:
            metric = str(
                dig(policy, "PredefinedMetricSpecification.PredefinedMetricType")
                or dig(policy, "CustomizedMetricSpecification.MetricName")
            )
            if not metric.endswith("HighResolution") and metric != BACKLOG:
                yield report(scales_on_requests_in_progress, target, f"scales on {metric}")


def what_sleeps_is_woken(template: Template) -> Iterator[Finding]:
    """None running reports nothing, and nothing is scaled: an alarm has to start the first."""
    for target in template.of(TARGET):
        if number(target.get("MinCapacity")) >= 1:
            continue
        steps = [p for p in _policies(template, target) if p.get("PolicyType") == "StepScaling"]
        if not steps:
            yield report(what_sleeps_is_woken, target, "no step policy starts the first")
        elif not any(_is_called(template, step) for step in steps):
            message = f"no alarm on {' or '.join(MISSED)} calls its step policy"
            yield report(what_sleeps_is_woken, target, message)


def _is_called(template: Template, policy: Resource) -> bool:
    return any(
        alarm.get("MetricName") in MISSED
        and json.dumps({"Ref": policy.logical_id}) in json.dumps(alarm.get("AlarmActions"))
        for alarm in template.of("AWS::CloudWatch::Alarm")
    )


def components_say_what_they_need(template: Template) -> Iterator[Finding]:
    """Without a number of GPUs a model is placed where another one runs."""
    for component in template.of(COMPONENT):
        if component.get("Specification.BaseInferenceComponentName"):
            continue
        needs = component.get("Specification.ComputeResourceRequirements") or {}
        if number(needs.get("NumberOfAcceleratorDevicesRequired")) < 1:
            yield report(components_say_what_they_need, component, "takes no GPU")


def captured_prompts_are_kept_safe(template: Template) -> Iterator[Finding]:
    """Data capture writes every prompt and answer to S3: encrypted, and not for ever."""
    for config in template.of(CONFIG):
        capture = config.get("DataCaptureConfig") or {}
        if capture.get("EnableCapture") is not True:
            continue
        if not capture.get("KmsKeyId"):
            yield report(captured_prompts_are_kept_safe, config, "captures without a key")
        if not _expires(template, capture.get("DestinationS3Uri")):
            message = "captures into a bucket that keeps everything"
            yield report(captured_prompts_are_kept_safe, config, message)


def asynchronous_answers_are_kept_safe(template: Template) -> Iterator[Finding]:
    """Answers wait in a bucket until somebody fetches them, and failures nobody asks about."""
    for config in template.of(CONFIG):
        output = config.get("AsyncInferenceConfig.OutputConfig")
        if output is None:
            continue
        for name in ("KmsKeyId", "S3FailurePath"):
            if not output.get(name):
                yield report(asynchronous_answers_are_kept_safe, config, f"{name} is not set")
        for name in ("ErrorTopic", "SuccessTopic"):
            if not dig(output, f"NotificationConfig.{name}"):
                yield report(asynchronous_answers_are_kept_safe, config, f"no {name}")
        if not _expires(template, output.get("S3OutputPath")):
            message = "answers into a bucket that keeps everything"
            yield report(asynchronous_answers_are_kept_safe, config, message)


def asynchronous_requests_fit_a_batch(template: Template) -> Iterator[Finding]:
    """Left out, SageMaker chooses how many requests an instance gets at once."""
    path = "ClientConfig.MaxConcurrentInvocationsPerInstance"
    for config in template.of(CONFIG):
        settings = config.get("AsyncInferenceConfig")
        if settings is not None and number(dig(settings, path)) < 1:
            yield report(asynchronous_requests_fit_a_batch, config, f"no {path}")


def _expires(template: Template, uri: object) -> bool:
    """Tell whether the bucket of an address expires what lies in it; another stack's is spared."""
    text = json.dumps(uri)
    for bucket in template.of("AWS::S3::Bucket"):
        if json.dumps({"Ref": bucket.logical_id}) in text:
            rules = as_list(bucket.get("LifecycleConfiguration.Rules"))
            return any(number(rule.get("ExpirationInDays")) > 0 for rule in rules)
    return "Fn::ImportValue" in text


RULES = (
    failed_update_rolls_back,
    update_has_an_order,
    endpoint_keeps_its_name,
    scales_on_requests_in_progress,
    what_sleeps_is_woken,
    components_say_what_they_need,
    captured_prompts_are_kept_safe,
    asynchronous_answers_are_kept_safe,
    asynchronous_requests_fit_a_batch,
)
