"""CloudWatch's alarms on a recorded fault, and on a healthy day, through the evaluator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk.assertions import Template

from cdk_vllm.constructs import AlarmTopics, Collector, EcsAlarms
from tests.cdk_vllm.constructs.test_ecs_service import make
from tests.recorded.cloudwatch import minutes_in_alarm, published

if TYPE_CHECKING:
    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan

Alarms = dict[str, dict[str, Any]]

# What is in alarm at some time of a recording, and nothing else is.
FIRES = {
    "healthy": set[str](),
    "stall": {"Stall"},
    "died": {"ErrorRatio", "NoMetrics"},
    "errors": {"ErrorRatio"},
    "overload": {
        "KvCacheFull",
        "Overloaded",
        "Preemptions",
        "Rejections",
        "Waiting",
        "WaitingPerReplica",
    },
}
PROVEN = {name for names in FIRES.values() for name in names}


@pytest.fixture
def alarms(stack: cdk.Stack, ecs_plan: ServingPlan) -> Alarms:
    """Return the alarms that stand on the recorded metrics, by construct id."""
    service = make(stack, ecs_plan)
    collector = Collector(stack, "Collector", name="chat")
    EcsAlarms(
        stack,
        "Alarms",
        service=service,
        topics=AlarmTopics(stack, "Topics"),
        collector=collector,
    )
    found = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm")
    return {
        name: body["Properties"]
        for logical_id, body in found.items()
        for name in PROVEN
        if logical_id[:-8] in (f"Alarms{name}", f"AlarmsEngine{name}")
    }


def test_every_alarm_is_there(alarms: Alarms) -> None:
    assert set(alarms) == PROVEN


@pytest.mark.parametrize("scenario", FIRES)
def test_alarms_tell_a_fault_and_nothing_else(alarms: Alarms, scenario: str) -> None:
    cloud = published(scenario)
    in_alarm = {name for name, alarm in alarms.items() if minutes_in_alarm(alarm, cloud)}
    assert in_alarm == FIRES[scenario]


def test_one_stalled_replica_among_healthy_ones_is_seen(alarms: Alarms) -> None:
    assert minutes_in_alarm(alarms["Stall"], published("stall", "healthy", "healthy"))
    assert not minutes_in_alarm(alarms["Stall"], published("healthy", "healthy", "healthy"))


def test_one_dead_replica_of_two_is_not_a_dead_collector(alarms: Alarms) -> None:
    assert not minutes_in_alarm(alarms["NoMetrics"], published("died", "healthy"))
