"""What a service scales on: the engines' own queue, held against recordings of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk.assertions import Template

from cdk_vllm.catalog.metrics import metric_versions, unknown_series
from cdk_vllm.constructs import EngineMetrics
from cdk_vllm.constructs.ecs_scaling import requests_at_once, scale_tasks
from tests.cdk_vllm.constructs.test_ecs_service import make
from tests.recorded.cloudwatch import math, published

if TYPE_CHECKING:
    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan

TRACKING = "TargetTrackingScalingPolicyConfiguration"


@pytest.fixture
def policies(stack: cdk.Stack, ecs_plan: ServingPlan) -> dict[str, dict[str, Any]]:
    """Return the policies that follow the engines, by name."""
    service = make(stack, ecs_plan)
    scope = cdk_scope(stack)
    scale_tasks(
        scope,
        ecs_plan,
        service.service,
        service.capacity.cluster,
        service.front_door,
        metrics=EngineMetrics("dev-chat"),
    )
    found = Template.from_stack(stack).find_resources("AWS::ApplicationAutoScaling::ScalingPolicy")
    return {
        body["Properties"]["PolicyName"]: body["Properties"][TRACKING]
        for logical_id, body in found.items()
        if logical_id.startswith("Followed")
    }


def cdk_scope(stack: cdk.Stack) -> Any:
    from constructs import Construct

    return Construct(stack, "Followed")


def test_a_replica_is_to_hold_seven_tenths_of_its_batch(ecs_plan: ServingPlan) -> None:
    assert requests_at_once(ecs_plan) == 25  # 0.7 x 36
    one = replace(ecs_plan, engine_args={**ecs_plan.engine_args, "max_num_seqs": 1})
    assert requests_at_once(one) == 1


def test_running_and_waiting_requests_scale_both_ways(policies: dict[str, dict[str, Any]]) -> None:
    tracking = policies["requests-at-once"]
    assert tracking["TargetValue"] == 25
    assert tracking["ScaleOutCooldown"] >= 300
    assert tracking["ScaleInCooldown"] >= 2 * tracking["ScaleOutCooldown"]
    assert "DisableScaleIn" not in tracking
    queries = tracking["CustomizedMetricSpecification"]["Metrics"]
    (expression,) = [query for query in queries if "Expression" in query]
    assert expression["ReturnData"] is True
    assert [q["ReturnData"] for q in queries if "MetricStat" in q] == [False, False]


def test_a_full_kv_cache_adds_a_replica_and_takes_none_away(
    policies: dict[str, dict[str, Any]],
) -> None:
    tracking = policies["kv-cache"]
    assert tracking["TargetValue"] == 0.8
    assert tracking["DisableScaleIn"] is True


@pytest.mark.parametrize(("scenario", "busy"), [("healthy", False), ("overload", True)])
def test_the_signal_rises_with_the_queue_alone(
    policies: dict[str, dict[str, Any]], scenario: str, busy: bool
) -> None:
    """The recorded engines batch 8 requests, so their target would be 6; 122 more wait at most."""
    cloud = published(scenario)
    queries = policies["requests-at-once"]["CustomizedMetricSpecification"]["Metrics"]
    points = {
        query["Id"]: cloud.points(
            query["MetricStat"]["Metric"]["Namespace"],
            query["MetricStat"]["Metric"]["MetricName"],
            query["MetricStat"]["Stat"],
            1,
        )
        for query in queries
        if "MetricStat" in query
    }
    (expression,) = [query["Expression"] for query in queries if "Expression" in query]
    signal = [value for value in math(expression, points) if value is not None]
    assert (max(signal) > 6) is busy
    assert (max(signal) > 100) is busy


@pytest.mark.parametrize("version", metric_versions())
def test_policies_name_series_of_the_engine_only(
    policies: dict[str, dict[str, Any]], version: str
) -> None:
    assert unknown_series(json.dumps(policies), version) == set()
