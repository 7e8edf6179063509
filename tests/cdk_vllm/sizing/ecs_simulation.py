"""Amazon ECS's scheduler rules, played through: every order it may start and stop tasks in.

Written from ECS's documentation and without the package's own arithmetic, so that the two can
disagree. A rolling deployment is a set of states; from each, ECS may start one task that its upper
limit and a free place allow, a starting task may become healthy, and ECS may stop one old task that
its lower limit allows. What it does first is up to it, so all orders are tried.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import ceil, floor
from typing import NamedTuple


class Outcome(NamedTuple):
    """Whether every order of events ends with new tasks only, and the fewest that served."""

    completes: bool
    fewest_healthy: int
    most_tasks: int


class State(NamedTuple):
    """Tasks by revision: old ones serve, new ones start or serve; the service may have grown."""

    desired: int
    old: int
    starting: int
    healthy: int


def places(instances: int, gpus_per_instance: int, gpus_per_task: int) -> int:
    """Return how many tasks find their GPUs: each takes whole GPUs of one instance."""
    found = 0
    for _ in range(instances):
        free = gpus_per_instance
        while free >= gpus_per_task:
            free -= gpus_per_task
            found += 1
    return found


@cache
def rolling(
    desired: int, minimum_percent: int, maximum_percent: int, room: int, grows_to: int = 0
) -> Outcome:
    """Play a rolling deployment of `desired` tasks on `room` places, in every order.

    With `grows_to`, scaling may raise the desired count meanwhile. Tasks that have no place wait.
    """
    lower, upper = Fraction(minimum_percent, 100), Fraction(maximum_percent, 100)
    limit = max(desired, grows_to)
    begin = State(desired, old=desired, starting=0, healthy=0)
    seen, open_states = {begin}, [begin]
    completes, fewest, most = desired <= room, desired, desired
    while open_states:
        state = open_states.pop()
        fewest = min(fewest, state.old + state.healthy)
        most = max(most, state.old + state.starting + state.healthy)
        following = _rolling_steps(state, floor(state.desired * upper), room, lower)
        completes = completes and (bool(following) or _done(state))
        if state.desired < limit:
            following.append(state._replace(desired=state.desired + 1))
        fresh = [step for step in following if step not in seen]
        seen.update(fresh)
        open_states.extend(fresh)
    return Outcome(completes, fewest, most)


def _done(state: State) -> bool:
    return state.old == 0 and state.starting == 0 and state.healthy == state.desired


def _rolling_steps(state: State, most: int, room: int, lower: Fraction) -> list[State]:
    """Return what may happen next; old tasks go and new ones come, so no order is endless."""
    desired, old, starting, healthy = state
    running, steps = old + starting + healthy, []
    if starting + healthy < desired and running < min(most, room):
        steps.append(state._replace(starting=starting + 1))
    if starting:
        steps.append(state._replace(starting=starting - 1, healthy=healthy + 1))
    if old and old + healthy - 1 >= ceil(desired * lower):
        steps.append(state._replace(old=old - 1))
    return steps


@cache
def two_sets(desired: int, room: int) -> Outcome:
    """Play blue/green or canary: all of green starts, traffic moves, and blue stops after the bake.

    Traffic moves only when green is whole, so blue or green serves in full at every moment.
    """
    if 2 * desired > room:
        return Outcome(completes=False, fewest_healthy=desired, most_tasks=room)
    return Outcome(completes=True, fewest_healthy=desired, most_tasks=2 * desired)


def moves_a_task(desired: int, maximum_percent: int, room: int) -> bool:
    """Tell whether ECS can move a task between zones: it starts one more before it stops one."""
    return desired + 1 <= min(floor(desired * Fraction(maximum_percent, 100)), room)
