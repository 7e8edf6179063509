"""Schedules narrow the bounds of a service, and a refused request wakes one that sleeps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk.assertions import Match, Template

from cdk_vllm.constructs import AlarmTopics, EcsAlarms
from tests.cdk_vllm.constructs.test_ecs_service import make

if TYPE_CHECKING:
    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan

TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"


def actions(stack: cdk.Stack) -> list[dict[str, Any]]:
    (target,) = Template.from_stack(stack).find_resources(TARGET).values()
    found: list[dict[str, Any]] = target["Properties"]["ScheduledActions"]
    return found


def test_schedules_narrow_the_bounds_and_nothing_undoes_them(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    plan = replace(ecs_plan, request=replace(ecs_plan.request, min_replicas=2, max_replicas=4))
    service = make(stack, plan)
    for name, cron, bounds in (
        ("day", "cron(0 8 ? * MON-FRI *)", (3, 4)),
        ("night", "cron(0 20 * * ? *)", (2, 2)),
    ):
        service.scale_on_schedule(
            name,
            schedule=cron,
            min_replicas=bounds[0],
            max_replicas=bounds[1],
            timezone="Europe/Berlin",
        )
    assert [action["ScheduledActionName"] for action in actions(stack)] == ["day", "night"]
    assert actions(stack)[0] == {
        "ScheduledActionName": "day",
        "Schedule": "cron(0 8 ? * MON-FRI *)",
        "Timezone": "Europe/Berlin",
        "ScalableTargetAction": {"MaxCapacity": 4, "MinCapacity": 3},
    }


def test_without_schedules_the_minimum_is_kept(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    plan = replace(ecs_plan, request=replace(ecs_plan.request, min_replicas=2, max_replicas=4))
    make(stack, plan)
    assert [action["ScheduledActionName"] for action in actions(stack)] == ["keep-minimum"]


@pytest.mark.parametrize(("fewest", "alarms"), [(0, 1), (1, 0)])
def test_only_a_service_that_may_sleep_is_woken(
    stack: cdk.Stack, ecs_plan: ServingPlan, fewest: int, alarms: int
) -> None:
    make(stack, replace(ecs_plan, request=replace(ecs_plan.request, min_replicas=fewest)))
    template = Template.from_stack(stack)
    template.resource_properties_count_is(
        "AWS::CloudWatch::Alarm",
        {
            "MetricName": "HTTPCode_ELB_503_Count",
            "Statistic": "Sum",
            "Period": 60,
            "AlarmActions": [{"Ref": Match.string_like_regexp("FromZero")}],
        },
        alarms,
    )


def test_no_healthy_task_pages_a_service_that_sleeps_only_while_one_is_wanted(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    service = make(stack, replace(ecs_plan, request=replace(ecs_plan.request, min_replicas=0)))
    EcsAlarms(stack, "Alarms", service=service, topics=AlarmTopics(stack, "Topics"))
    Template.from_stack(stack).has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Metrics": Match.array_with(
                [Match.object_like({"Expression": "IF(FILL(desired, 1) > 0, FILL(healthy, 0), 1)"})]
            )
        },
    )
