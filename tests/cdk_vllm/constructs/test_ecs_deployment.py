"""A deployment in two sets has two target groups, one rule that ECS moves, and a role to do so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from cdk_vllm.constructs import AlarmTopics, EcsAlarms, GpuCapacity
from cdk_vllm.sizing import fleet_of, rollout_for
from tests.cdk_vllm.constructs.test_ecs_service import make

if TYPE_CHECKING:
    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan

BALANCING = "AWS::ElasticLoadBalancingV2"


@pytest.fixture
def resources(
    request: pytest.FixtureRequest, stack: cdk.Stack, ecs_plan: ServingPlan
) -> dict[str, list[dict[str, Any]]]:
    """Return the properties of a service's resources by type, for a strategy."""
    rollout = rollout_for(fleet_of(ecs_plan), request.param)
    vpc = ec2.Vpc(stack, "Shared")
    capacity = GpuCapacity(stack, "Own", plan=ecs_plan, vpc=vpc, rollout=rollout)
    service = make(stack, ecs_plan, capacity=capacity)
    EcsAlarms(stack, "Alarms", service=service, topics=AlarmTopics(stack, "Topics"))
    found: dict[str, list[dict[str, Any]]] = {}
    for body in Template.from_stack(stack).to_json()["Resources"].values():
        found.setdefault(body["Type"], []).append(body.get("Properties", {}))
    return found


@pytest.mark.parametrize("resources", ["blue_green", "canary"], indirect=True)
def test_traffic_moves_between_two_sets(resources: dict[str, list[dict[str, Any]]]) -> None:
    (service,) = resources["AWS::ECS::Service"]
    (balancer,) = service["LoadBalancers"]
    (rule,) = resources[f"{BALANCING}::ListenerRule"]
    groups = resources[f"{BALANCING}::TargetGroup"]
    assert len(groups) == 2
    assert groups[0] == groups[1]
    moved = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
    assert [target["Weight"] for target in moved] == [100, 0]
    assert moved[0]["TargetGroupArn"] == balancer["TargetGroupArn"]
    advanced = balancer["AdvancedConfiguration"]
    assert moved[1]["TargetGroupArn"] == advanced["AlternateTargetGroupArn"]
    assert "Paths" in advanced["ProductionListenerRule"]["Ref"]
    assert "DeploymentRole" in str(advanced["RoleArn"])


@pytest.mark.parametrize(
    ("resources", "strategy", "canary"),
    [
        ("blue_green", "BLUE_GREEN", None),
        ("canary", "CANARY", {"CanaryPercent": 10, "CanaryBakeTimeInMinutes": 15}),
    ],
    indirect=["resources"],
)
def test_a_new_set_is_watched_before_the_old_one_goes(
    resources: dict[str, list[dict[str, Any]]], strategy: str, canary: dict[str, int] | None
) -> None:
    (service,) = resources["AWS::ECS::Service"]
    deployment = service["DeploymentConfiguration"]
    assert deployment["Strategy"] == strategy
    assert deployment["BakeTimeInMinutes"] == 15
    assert deployment.get("CanaryConfiguration") == canary
    assert deployment["Alarms"]["Rollback"] is True


@pytest.mark.parametrize("resources", ["canary"], indirect=True)
def test_tasks_are_counted_in_both_sets(resources: dict[str, list[dict[str, Any]]]) -> None:
    expressions = [
        metric.get("Expression")
        for alarm in resources["AWS::CloudWatch::Alarm"]
        for metric in alarm.get("Metrics", [])
    ]
    assert expressions.count("FILL(first, 0) + FILL(second, 0)") == 2


@pytest.mark.parametrize("resources", ["surge", "in_place"], indirect=True)
def test_others_have_one_group_and_no_such_role(
    resources: dict[str, list[dict[str, Any]]],
) -> None:
    (service,) = resources["AWS::ECS::Service"]
    assert "AdvancedConfiguration" not in service["LoadBalancers"][0]
    assert len(resources[f"{BALANCING}::TargetGroup"]) == 1
    assert service["DeploymentConfiguration"]["Strategy"] == "ROLLING"
