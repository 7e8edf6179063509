"""Every accepted deployment ends and keeps its promise, and every refusal is right."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from cdk_vllm import catalog
from cdk_vllm.errors import InputError, PlanError
from cdk_vllm.sizing.rollout import (
    STRATEGIES,
    Fleet,
    Rollout,
    fewest_instances,
    fleet_of,
    rollout_for,
)
from tests.cdk_vllm.sizing import ecs_simulation as ecs

if TYPE_CHECKING:
    from cdk_vllm.sizing.plan import ServingPlan

MOST_REPLICAS = 16
GPUS_PER_TASK = range(1, 9)
# Instance types differ here by nothing but their number of GPUs.
GPU_COUNTS = sorted({instance.gpus for instance in catalog.instances().values()})
RANGES = [(low, high) for high in range(1, MOST_REPLICAS + 1) for low in range(1, high + 1)]


def fleet(low: int, high: int, per_task: int = 1, per_instance: int = 1) -> Fleet:
    return Fleet(
        min_replicas=low, max_replicas=high, gpus_per_task=per_task, gpus_per_instance=per_instance
    )


def sizes(of: Fleet, strategy: str) -> list[int | None]:
    """Return maximum sizes on both sides of the fewest that works, up to all a surge may use."""
    fewest = fewest_instances(of, strategy)
    return [None, max(1, fewest - 1), fewest, fewest + 1, of.instances(2 * of.max_replicas)]


def accepted(of: Fleet, strategy: str, most: int | None, *, spread: bool = False) -> Rollout | None:
    try:
        return rollout_for(of, strategy, maximum_instances=most, spread_over_zones=spread)
    except PlanError:
        return None


def outcome(rollout: Rollout, desired: int, room: int) -> ecs.Outcome:
    if rollout.deployment_strategy != "ROLLING":
        return ecs.two_sets(desired, min(room, 2 * desired))
    lower, upper = rollout.minimum_healthy_percent, rollout.maximum_percent
    # More places than tasks change nothing, and fewer different cases have to be played.
    return ecs.rolling(desired, lower, upper, min(room, 2 * desired))


def test_the_catalogue_has_instances_of_several_sizes() -> None:
    assert {1, 2, 4, 8} <= set(GPU_COUNTS)
    assert 0 in GPU_COUNTS, "fractions of a GPU are refused below"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_accepted_deployment_ends_and_keeps_its_promise(strategy: str) -> None:
    played = 0
    for (low, high), per_task, per_instance in product(RANGES, GPUS_PER_TASK, GPU_COUNTS):
        of = fleet(low, high, per_task, per_instance)
        if ecs.places(1, per_instance, per_task) == 0:
            assert accepted(of, strategy, None) is None
            continue
        for most in sizes(of, strategy):
            rollout = accepted(of, strategy, most)
            if rollout is None:
                continue
            room = ecs.places(rollout.maximum_instances, per_instance, per_task)
            assert rollout.instances_at_peak <= rollout.maximum_instances
            for desired in range(low, high + 1):
                found = outcome(rollout, desired, room)
                assert found.completes, (of, rollout, desired)
                assert found.fewest_healthy >= rollout.healthy_tasks(desired)
                assert found.most_tasks <= rollout.most_tasks(desired) <= rollout.tasks_at_peak
                played += 1
    assert played > 40_000


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_number_of_replicas_in_the_range_can_be_deployed(strategy: str) -> None:
    for low, high in RANGES:
        rollout = rollout_for(fleet(low, high), strategy)
        for desired in range(low, high + 1):
            found = outcome(rollout, desired, rollout.maximum_instances)
            assert found.completes
            assert found.fewest_healthy >= rollout.healthy_tasks(desired)
        serving = {"in_place": low - 1}.get(strategy, low)
        assert rollout.healthy_tasks(low) == serving


def test_a_refused_surge_would_wait_for_ever_or_for_places_it_has_not() -> None:
    for low, high in RANGES:
        of = fleet(low, high)
        places = fewest_instances(of, "surge") - 1
        assert accepted(of, "surge", places) is None
        # No percentage keeps every replica, ends at the fewest, and has places at the most.
        assert not any(
            ecs.rolling(low, 100, percent, low * 2).completes and high * percent // 100 <= places
            for percent in range(100, 201)
        )


def test_what_is_refused_in_two_sets_or_in_place_does_not_end() -> None:
    for low, high in RANGES:
        of = fleet(low, high)
        assert accepted(of, "in_place", high - 1 or None) is None or high == 1
        assert not ecs.rolling(high, 100, 100, high).completes
        for strategy in ("blue_green", "canary"):
            assert accepted(of, strategy, 2 * high - 1) is None
            assert not ecs.two_sets(high, 2 * high - 1).completes


@pytest.mark.parametrize("strategy", ["surge", "in_place"])
def test_scaling_out_meanwhile_does_no_harm(strategy: str) -> None:
    for low, high in [pair for pair in RANGES if pair[1] <= 5]:
        of = fleet(low, high)
        for most in (None, fewest_instances(of, strategy)):
            rollout = rollout_for(of, strategy, maximum_instances=most)
            lower, upper = rollout.minimum_healthy_percent, rollout.maximum_percent
            found = ecs.rolling(low, lower, upper, rollout.maximum_instances, high)
            assert found.completes
            assert found.fewest_healthy >= rollout.healthy_tasks(low)


def test_zones_can_be_evened_out_wherever_it_is_switched_on() -> None:
    for low, high in RANGES:
        of = fleet(low, high)
        for most in sizes(of, "surge"):
            rollout = accepted(of, "surge", most, spread=True)
            if rollout is not None:
                assert rollout.availability_zone_rebalancing == "ENABLED"
                for desired in range(low, high + 1):
                    room = rollout.maximum_instances
                    assert ecs.moves_a_task(desired, rollout.maximum_percent, room)


@pytest.mark.parametrize("strategy", [s for s in STRATEGIES if s != "surge"])
def test_zones_stay_as_they_are_where_there_is_no_room_to_move(strategy: str) -> None:
    with pytest.raises(PlanError, match="cannot keep zones even"):
        rollout_for(fleet(2, 4), strategy, spread_over_zones=True)
    assert rollout_for(fleet(2, 4), strategy).availability_zone_rebalancing == "DISABLED"


def test_a_refusal_shows_its_arithmetic_and_its_price() -> None:
    of = Fleet(
        min_replicas=3,
        max_replicas=4,
        gpus_per_task=2,
        gpus_per_instance=4,
        usd_per_instance_hour=5.25,
    )
    with pytest.raises(PlanError) as refused:
        rollout_for(of, "blue_green", maximum_instances=3)
    text = str(refused.value)
    assert "8 tasks of 2 GPUs at once, 2 to an instance of 4 GPUs" in text
    assert "takes 4 instances where 3 may run" in text
    assert "allow 4 (1 more, 5.25 USD an hour while they run)" in text
    assert '"in_place", which serves with 2 of 3 replicas' in text


def test_a_refusal_without_room_for_the_replicas_themselves_offers_no_other_strategy() -> None:
    with pytest.raises(PlanError, match=r"price unknown\), or lower the most replicas"):
        rollout_for(fleet(2, 4), "surge", maximum_instances=3)


def test_memory_may_leave_room_for_fewer_tasks_than_gpus_do() -> None:
    of = Fleet(
        min_replicas=1, max_replicas=2, gpus_per_task=1, gpus_per_instance=8, tasks_per_instance=2
    )
    assert rollout_for(of).instances_at_peak == 2


def test_no_replica_is_needed_at_all() -> None:
    rollout = rollout_for(fleet(0, 2))
    assert (rollout.maximum_percent, rollout.healthy_tasks(0)) == (200, 0)


def test_baking_and_canary_belong_to_two_sets() -> None:
    canary = rollout_for(fleet(1, 2), "canary", bake_time_minutes=30)
    assert (canary.bake_time_minutes, canary.canary_bake_time_minutes) == (30, 30)
    assert canary.canary_percent == 10
    assert rollout_for(fleet(1, 2), "blue_green").canary_percent is None
    assert rollout_for(fleet(1, 2)).bake_time_minutes is None


@pytest.mark.parametrize(
    ("low", "high", "strategy", "bake", "message"),
    [
        (1, 1, "rolling", 15, '"rolling" is not a strategy; allowed: surge, in_place'),
        (1, 1, "blue-green", 15, 'Did you mean "blue_green"'),
        (3, 2, "surge", 15, "from 3 to 2 are no range"),
        (0, 0, "surge", 15, "at least 1"),
        (1, 1, "canary", 1441, "give 0 to 1440"),
    ],
)
def test_what_is_not_allowed_is_said(
    low: int, high: int, strategy: str, bake: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        rollout_for(fleet(low, high), strategy, bake_time_minutes=bake)


def test_a_plan_has_its_fleet(ecs_plan: ServingPlan) -> None:
    assert fleet_of(ecs_plan) == Fleet(
        min_replicas=1,
        max_replicas=4,
        gpus_per_task=1,
        gpus_per_instance=1,
        tasks_per_instance=1,
        usd_per_instance_hour=2.24,
    )
