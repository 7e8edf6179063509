"""How a deployment replaces tasks that each hold whole GPUs, and how many instances that takes.

A new task cannot share a GPU with the old one it replaces, so a deployment either has spare
instances or stops something first; without either it waits for ever. Sources: Amazon ECS API
Reference, `DeploymentConfiguration` (the lower limit is a percentage of the desired count, rounded
up, the upper one rounded down; blue/green and canary run two full sets until the bake time ends);
Amazon ECS Developer Guide, "Balancing an Amazon ECS service across Availability Zones" (a move
starts a task before it stops one, so it needs a maximum percent above 100).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from cdk_vllm.errors import InputError, PlanError, nearest

if TYPE_CHECKING:
    from cdk_vllm.sizing.plan import ServingPlan

Strategy = Literal["surge", "in_place", "blue_green", "canary"]
STRATEGIES: tuple[str, ...] = get_args(Strategy)
"""`surge` starts before it stops; `in_place` stops first; the others run two full sets."""

BAKE_MINUTES = 15  # three of the alarms' periods of five minutes
CANARY_PERCENT = 10
MAX_BAKE_MINUTES = 1440  # ECS API Reference, `bakeTimeInMinutes`


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """What a deployment works with: replicas (a task each), and the instances under them.

    `tasks_per_instance` is how many tasks share an instance where memory allows fewer than the
    GPUs do, or where each is given the whole host; `None` counts GPUs alone.
    """

    min_replicas: int
    max_replicas: int
    gpus_per_task: int
    gpus_per_instance: int
    tasks_per_instance: int | None = None
    usd_per_instance_hour: float | None = None

    @property
    def packed(self) -> int:
        """How many tasks one instance holds; 0 where not even one fits."""
        by_gpus = self.gpus_per_instance // self.gpus_per_task
        return by_gpus if self.tasks_per_instance is None else min(by_gpus, self.tasks_per_instance)

    def instances(self, tasks: int) -> int:
        """Return the instances under some tasks; equal tasks take any free place."""
        return -(-tasks // self.packed)


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """How ECS is told to deploy, under the names of its API.

    `tasks_at_peak` and `instances_at_peak` are while a deployment runs at `max_replicas`; the
    group's maximum size is `maximum_instances`. `bake_time_minutes` is `None` for `ROLLING`, and
    both canary values are but for `CANARY`.
    """

    strategy: str
    deployment_strategy: Literal["ROLLING", "BLUE_GREEN", "CANARY"]
    minimum_healthy_percent: int
    maximum_percent: int
    availability_zone_rebalancing: Literal["ENABLED", "DISABLED"]
    tasks_at_peak: int
    instances_at_peak: int
    maximum_instances: int
    bake_time_minutes: int | None = None
    canary_percent: int | None = None
    canary_bake_time_minutes: int | None = None

    def healthy_tasks(self, desired: int) -> int:
        """Return how many tasks serve at the very least while a deployment of `desired` runs."""
        return -(-desired * self.minimum_healthy_percent // 100)

    def most_tasks(self, desired: int) -> int:
        """Return how many tasks there are at most while a deployment of `desired` runs."""
        return desired * self.maximum_percent // 100


def fleet_of(plan: ServingPlan) -> Fleet:
    """Return the fleet of a plan for ECS; its price is of a whole instance."""
    price = plan.usd_per_hour
    return Fleet(
        min_replicas=plan.request.min_replicas,
        max_replicas=plan.request.max_replicas,
        gpus_per_task=plan.gpus_per_replica,
        gpus_per_instance=plan.gpus,
        tasks_per_instance=plan.replicas_per_instance,
        usd_per_instance_hour=None if price is None else price * plan.replicas_per_instance,
    )


def rollout_for(
    fleet: Fleet,
    strategy: str = "surge",
    *,
    maximum_instances: int | None = None,
    spread_over_zones: bool = False,
    bake_time_minutes: int = BAKE_MINUTES,
) -> Rollout:
    """Return a deployment that ends, at every number of replicas from the fewest to the most.

    `maximum_instances` is all there may be; `None` takes what the strategy needs. With fewer than
    twice the replicas, `surge` replaces as many at a time as there is room for.
    `spread_over_zones` lets ECS move tasks to even out the zones later. Raises `InputError` for a
    value that is not allowed, and `PlanError` with the arithmetic and the price for a strategy
    that the instances cannot carry.
    """
    _check(fleet, strategy, spread_over_zones, bake_time_minutes)
    _check_room(fleet, strategy, maximum_instances)
    lower, upper = _percents(fleet, strategy, maximum_instances)
    tasks = fleet.max_replicas * upper // 100
    two_sets = strategy in ("blue_green", "canary")
    canary = strategy == "canary"
    return Rollout(
        strategy=strategy,
        deployment_strategy=(
            "CANARY" if canary else "BLUE_GREEN" if strategy == "blue_green" else "ROLLING"
        ),
        minimum_healthy_percent=lower,
        maximum_percent=upper,
        availability_zone_rebalancing="ENABLED" if spread_over_zones else "DISABLED",
        tasks_at_peak=tasks,
        instances_at_peak=fleet.instances(tasks),
        maximum_instances=maximum_instances or fleet.instances(tasks),
        bake_time_minutes=bake_time_minutes if two_sets else None,
        canary_percent=CANARY_PERCENT if canary else None,
        canary_bake_time_minutes=bake_time_minutes if canary else None,
    )


def fewest_instances(fleet: Fleet, strategy: str) -> int:
    """Return the fewest instances that `strategy` works with; the most replicas always fit."""
    return fleet.instances(_fewest_tasks(fleet, strategy))


def _fewest_tasks(fleet: Fleet, strategy: str) -> int:
    most = fleet.max_replicas
    if strategy == "in_place":
        return most
    if strategy == "surge":
        return most * _fewest_surge_percent(fleet) // 100
    return 2 * most


def _fewest_surge_percent(fleet: Fleet) -> int:
    # One task more than desired, also at the fewest replicas, where one is the largest share.
    fewest = max(1, fleet.min_replicas)
    return -(-100 * (fewest + 1) // fewest)


def _percents(fleet: Fleet, strategy: str, maximum_instances: int | None) -> tuple[int, int]:
    if strategy == "in_place":
        # ECS rounds up what must stay: at the fewest replicas, one of them may still stop.
        fewest = max(1, fleet.min_replicas)
        return 100 * (fewest - 1) // fewest, 100
    if strategy != "surge" or maximum_instances is None:
        return 100, 200
    # The largest percentage whose tasks all have a place at the most replicas (rounded down).
    places = maximum_instances * fleet.packed
    return 100, min(200, (100 * (places + 1) - 1) // fleet.max_replicas)


def _check(fleet: Fleet, strategy: str, spread_over_zones: bool, bake_time_minutes: int) -> None:
    if strategy not in STRATEGIES:
        raise InputError(
            f'"{strategy}" is not a strategy; allowed: {", ".join(STRATEGIES)}.'
            f"{nearest(strategy, STRATEGIES)}"
        )
    if not 0 <= fleet.min_replicas <= fleet.max_replicas or fleet.max_replicas < 1:
        raise InputError(
            f"replicas from {fleet.min_replicas} to {fleet.max_replicas} are no range; "
            "give a maximum of at least 1, and a minimum from 0 to it"
        )
    if not 0 <= bake_time_minutes <= MAX_BAKE_MINUTES:
        raise InputError(
            f"a bake time of {bake_time_minutes} minutes is not allowed; "
            f"give 0 to {MAX_BAKE_MINUTES}"
        )
    if spread_over_zones and strategy != "surge":
        raise PlanError(
            f'"{strategy}" cannot keep zones even: ECS moves a task by starting one more, which '
            'only "surge" has room for; use that, or let tasks stay where they are'
        )


def _check_room(fleet: Fleet, strategy: str, maximum_instances: int | None) -> None:
    if fleet.gpus_per_task < 1 or fleet.packed < 1:
        raise PlanError(
            f"a task of {fleet.gpus_per_task} GPUs does not fit an instance of "
            f"{fleet.gpus_per_instance}; plan an instance with as many GPUs as a task takes"
        )
    if maximum_instances is not None and maximum_instances < fewest_instances(fleet, strategy):
        raise PlanError(_too_few(fleet, strategy, maximum_instances))


def _too_few(fleet: Fleet, strategy: str, maximum_instances: int) -> str:
    tasks, needed = _fewest_tasks(fleet, strategy), fewest_instances(fleet, strategy)
    arithmetic = (
        f'a deployment "{strategy}" of {fleet.max_replicas} replicas runs {tasks} tasks of '
        f"{_gpus(fleet.gpus_per_task)} at once, {fleet.packed} to an instance of "
        f"{_gpus(fleet.gpus_per_instance)}, which takes {needed} instances where "
        f"{maximum_instances} may run; allow {needed}{_price(fleet, needed - maximum_instances)}"
    )
    if maximum_instances < fewest_instances(fleet, "in_place"):
        return f"{arithmetic}, or lower the most replicas"
    stays = max(0, fleet.min_replicas - 1)
    return f'{arithmetic}, or choose "in_place", which serves with {stays} of {_fewest(fleet)} then'


def _gpus(count: int) -> str:
    return f"{count} GPU" if count == 1 else f"{count} GPUs"


def _fewest(fleet: Fleet) -> str:
    return f"{fleet.min_replicas} replica" + ("s" if fleet.min_replicas != 1 else "")


def _price(fleet: Fleet, more: int) -> str:
    if fleet.usd_per_instance_hour is None:
        return f" ({more} more, price unknown)"
    return f" ({more} more, {more * fleet.usd_per_instance_hour:.2f} USD an hour while they run)"
