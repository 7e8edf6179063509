"""How an ECS service of vLLM is deployed."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.checks.ecs_container import containers
from cdk_vllm.checks.template import (
    Finding,
    Resource,
    Template,
    as_list,
    dig,
    number,
    pairs,
    report,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = "AWS::ECS::Service"
MINIMUM_GRACE_SECONDS = 900


def deployment_finds_gpus(template: Template) -> Iterator[Finding]:
    """New tasks that wait for a GPU only old tasks could free are a deployment without end."""
    for service in template.of(SERVICE):
        minimum = number(service.get("DeploymentConfiguration.MinimumHealthyPercent", 100))
        maximum = number(service.get("DeploymentConfiguration.MaximumPercent", 200))
        if maximum <= 100 and minimum >= 100:
            yield report(deployment_finds_gpus, service, "may neither stop nor start a task")
        elif maximum > 100:
            # ECS rounds its upper limit down.
            yield from _groups_too_small(
                template, floor(max(1.0, _max_tasks(template)) * maximum / 100)
            )


def _max_tasks(template: Template) -> float:
    targets = template.of("AWS::ApplicationAutoScaling::ScalableTarget")
    return max((number(target.get("MaxCapacity", 1)) for target in targets), default=1.0)


def _groups_too_small(template: Template, tasks: int) -> Iterator[Finding]:
    per_task = max(
        (
            number(pairs(body.get("ResourceRequirements"), "Type").get("GPU", 1))
            for _, body in containers(template)
        ),
        default=1,
    )
    for group in template.of("AWS::AutoScaling::AutoScalingGroup"):
        # An instance holds whole tasks; a type we do not know is taken to hold one.
        fit = max(1, _gpus(template) // int(max(1, per_task)))
        if number(group.get("MaxSize")) * fit < tasks:
            message = f"MaxSize {group.get('MaxSize')} cannot hold {tasks} tasks"
            yield report(deployment_finds_gpus, group, message)


def _gpus(template: Template) -> int:
    for launch in template.of("AWS::EC2::LaunchTemplate"):
        instance = catalog.instances().get(str(launch.get("LaunchTemplateData.InstanceType")))
        if instance:
            return instance.gpus
    return 1


def grace_covers_the_start(template: Template) -> Iterator[Finding]:
    """A task killed while it loads its model is replaced by one that is killed too."""
    ready = [
        number(c.environment.get("VLLM_ENGINE_READY_TIMEOUT_S", 600)) for c in containers(template)
    ]
    for service in template.of(SERVICE):
        grace = number(service.get("HealthCheckGracePeriodSeconds"))
        if grace < max([MINIMUM_GRACE_SECONDS, *ready]):
            yield report(grace_covers_the_start, service, "the grace period is too short")


def failed_deployment_rolls_back(template: Template) -> Iterator[Finding]:
    """ECS's own breaker waits for three failures, each a whole cold start, and sees no errors."""
    for service in template.of(SERVICE):
        breaker = "DeploymentConfiguration.DeploymentCircuitBreaker."
        wrong = {
            "no circuit breaker": service.get(breaker + "Enable") is not True,
            "the circuit breaker does not roll back": service.get(breaker + "Rollback") is not True,
            "more than two failures are waited for": not _counts_to_two(service, breaker),
            "no alarm rolls back": service.get("DeploymentConfiguration.Alarms.Rollback")
            is not True,
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(failed_deployment_rolls_back, service, message)


def _counts_to_two(service: Resource, breaker: str) -> bool:
    kind = service.get(breaker + "ThresholdConfiguration.Type")
    return kind == "COUNT" and number(service.get(breaker + "ThresholdConfiguration.Value")) <= 2


def rebalancing_is_decided(template: Template) -> Iterator[Finding]:
    """Left out, rebalancing is on: it starts one more GPU task whenever it thinks fit."""
    for service in template.of(SERVICE):
        if not service.get("AvailabilityZoneRebalancing"):
            yield report(rebalancing_is_decided, service, "AvailabilityZoneRebalancing is not set")


def nobody_logs_in(template: Template) -> Iterator[Finding]:
    """A shell in the container reads every prompt, and the key."""
    for service in template.of(SERVICE):
        if service.get("EnableExecuteCommand") is True:
            yield report(nobody_logs_in, service, "EnableExecuteCommand is true")


def meshes_wait_for_long_answers(template: Template) -> Iterator[Finding]:
    """Service Connect ends a request after 15 s unless told otherwise, however much has come."""
    for service in template.of(SERVICE):
        for entry in as_list(service.get("ServiceConnectConfiguration.Services")):
            if number(dig(entry, "Timeout.PerRequestTimeoutSeconds")) != 0:
                message = "PerRequestTimeoutSeconds is not 0"
                yield report(meshes_wait_for_long_answers, service, message)


def costs_are_tagged(template: Template) -> Iterator[Finding]:
    """Tasks without tags are GPU hours nobody can assign."""
    for service in template.of(SERVICE):
        if service.get("PropagateTags") in (None, "NONE"):
            yield report(costs_are_tagged, service, "PropagateTags is not set")
        if service.get("EnableECSManagedTags") is not True:
            yield report(costs_are_tagged, service, "EnableECSManagedTags is not true")


def containers_are_watched(template: Template) -> Iterator[Finding]:
    """How many tasks run, and how many should, is known to Container Insights only."""
    for cluster in template.of("AWS::ECS::Cluster"):
        insights = pairs(cluster.get("ClusterSettings"), "Name").get("containerInsights")
        if insights not in ("enabled", "enhanced"):
            yield report(containers_are_watched, cluster, "Container Insights is off")


RULES = (
    deployment_finds_gpus,
    grace_covers_the_start,
    failed_deployment_rolls_back,
    rebalancing_is_decided,
    nobody_logs_in,
    meshes_wait_for_long_answers,
    costs_are_tagged,
    containers_are_watched,
)
