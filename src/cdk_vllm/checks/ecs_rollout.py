"""How an ECS service is placed and deployed, and what a Spot notice leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.ecs_container import containers
from cdk_vllm.checks.template import Finding, Template, as_list, number, pairs, report
from cdk_vllm.checks.traffic import is_reserved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.checks.template import Resource

SERVICE = "AWS::ECS::Service"
GROUP = "AWS::AutoScaling::AutoScalingGroup"
LEAST_BAKE_MINUTES = 5
SWAP = ("AlternateTargetGroupArn", "ProductionListenerRule", "RoleArn")
SPOT_USABLE_SECONDS = 110
INTERRUPTIONS_ALLOWED = "cdk-vllm:interrupted-requests"
"""In the metadata of a template that says that Spot may cut requests short."""


def service_is_where_it_was_planned(template: Template) -> Iterator[Finding]:
    """What a service does not say, AWS chooses: the default cluster, any subnet, any group."""
    zones = 1 if is_reserved(template) else 2
    for service in template.of(SERVICE):
        network = "NetworkConfiguration.AwsvpcConfiguration."
        public = service.get(network + "AssignPublicIp")
        wrong = {
            "no cluster": not service.get("Cluster"),
            "no task definition": not service.get("TaskDefinition"),
            "no security group": not as_list(service.get(network + "SecurityGroups")),
            "fewer than two subnets": len(as_list(service.get(network + "Subnets"))) < zones,
            "tasks may get public addresses": public != "DISABLED",
            "no capacity provider": not _providers(service),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(service_is_where_it_was_planned, service, message)


def _providers(service: Resource) -> bool:
    strategy = as_list(service.get("CapacityProviderStrategy"))
    return bool(strategy) and all(
        item.get("CapacityProvider") and number(item.get("Weight")) >= 1 for item in strategy
    )


def tasks_are_spread_and_packed(template: Template) -> Iterator[Finding]:
    """Tasks in one zone go with it; tasks spread over instances leave GPUs idle on each."""
    for service in template.of(SERVICE):
        strategies = as_list(service.get("PlacementStrategies"))
        found = [(str(s.get("Type")), str(s.get("Field")).upper()) for s in strategies]
        if found[:1] != [("spread", "ATTRIBUTE:ECS.AVAILABILITY-ZONE")]:
            yield report(tasks_are_spread_and_packed, service, "zones are not spread over first")
        if ("binpack", "MEMORY") not in found:
            yield report(tasks_are_spread_and_packed, service, "instances are not filled up")


def deployment_is_spelt_out(template: Template) -> Iterator[Finding]:
    """Left out, ECS stops half of the tasks, waits for three failures, and forgives them."""
    for service in template.of(SERVICE):
        configuration = "DeploymentConfiguration."
        lower = service.get(configuration + "MinimumHealthyPercent")
        upper = service.get(configuration + "MaximumPercent")
        breaker = configuration + "DeploymentCircuitBreaker."
        alarms = configuration + "Alarms."
        wrong = {
            "MinimumHealthyPercent is not set": lower is None,
            "MaximumPercent is not set": upper is None,
            "stops tasks though it may start some": number(upper) > 100 > number(lower),
            "a healthy task forgives failures": service.get(breaker + "ResetOnHealthyTask")
            is not False,
            "no failure is enough": number(service.get(breaker + "ThresholdConfiguration.Value"))
            < 1,
            "the alarms are switched off": service.get(alarms + "Enable") is not True,
            "no alarm is named": not as_list(service.get(alarms + "AlarmNames")),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(deployment_is_spelt_out, service, message)


def two_sets_can_be_swapped(template: Template) -> Iterator[Finding]:
    """Two full sets need a second target group, a rule whose traffic moves, and a while to look."""
    for service in template.of(SERVICE):
        configuration = "DeploymentConfiguration."
        strategy = service.get(configuration + "Strategy", "ROLLING")
        bake = number(service.get(configuration + "BakeTimeInMinutes"))
        canary = service.get(configuration + "CanaryConfiguration", {})
        swaps = [b.get("AdvancedConfiguration") for b in as_list(service.get("LoadBalancers"))]
        rolling = strategy == "ROLLING"
        wrong = {
            "a rolling deployment moves no traffic": rolling and any(swaps),
            "its traffic cannot be moved": not rolling and not all(_is_whole(s) for s in swaps),
            "the old set goes before anybody looked": not rolling and bake < LEAST_BAKE_MINUTES,
            "a canary gets no share of the traffic, or no while": strategy == "CANARY"
            and not (
                0 < number(canary.get("CanaryPercent")) < 100
                and number(canary.get("CanaryBakeTimeInMinutes")) >= LEAST_BAKE_MINUTES
            ),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(two_sets_can_be_swapped, service, message)


def _is_whole(swap: Any) -> bool:
    return isinstance(swap, dict) and all(swap.get(name) for name in SWAP)


def zones_are_evened_out_with_room_only(template: Template) -> Iterator[Finding]:
    """ECS moves a task by starting one more, for which a deployment in place has no GPU."""
    for service in template.of(SERVICE):
        upper = number(service.get("DeploymentConfiguration.MaximumPercent", 200))
        if service.get("AvailabilityZoneRebalancing") == "ENABLED" and upper <= 100:
            message = "rebalancing is on and MaximumPercent leaves it no task"
            yield report(zones_are_evened_out_with_room_only, service, message)


def spot_leaves_time_to_drain(template: Template) -> Iterator[Finding]:
    """Two minutes after its notice a Spot instance is gone, with whatever is still answered."""
    if not any(_has_spot(group) for group in template.of(GROUP)):
        return
    stop = max((number(body.get("StopTimeout")) for _, body in containers(template)), default=0.0)
    for group in template.of("AWS::ElasticLoadBalancingV2::TargetGroup"):
        if group.get("TargetType") == "alb":
            continue
        attributes = pairs(group.get("TargetGroupAttributes"))
        delay = number(attributes.get("deregistration_delay.timeout_seconds", 300))
        if delay + stop > SPOT_USABLE_SECONDS and not _may_interrupt(template):
            message = f"draining takes {delay:g} s and stopping {stop:g} s, above 110 s"
            yield report(spot_leaves_time_to_drain, group, message)


def _may_interrupt(template: Template) -> bool:
    return f'"{INTERRUPTIONS_ALLOWED}"' in template.text


def _has_spot(group: Resource) -> bool:
    policy = "MixedInstancesPolicy.InstancesDistribution"
    distribution = group.get(policy)
    return (
        bool(distribution)
        and number(group.get(policy + ".OnDemandPercentageAboveBaseCapacity", 100)) < 100
    )


RULES = (
    service_is_where_it_was_planned,
    tasks_are_spread_and_packed,
    deployment_is_spelt_out,
    two_sets_can_be_swapped,
    zones_are_evened_out_with_room_only,
    spot_leaves_time_to_drain,
)
