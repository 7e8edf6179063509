"""The chain of timeouts holds together for every plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm.sizing import Timeouts, choose, timeouts_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingRequest

    Ask = Callable[..., ServingRequest]


def times(ask: Ask, backend: str, longest: int, startup: int) -> Timeouts:
    plan = choose(ask(backend=backend))
    request = replace(plan.request, max_request_seconds=longest)
    return timeouts_for(replace(plan, request=request, startup_seconds=startup))


@given(longest=st.integers(1, 3600), startup=st.integers(300, 7200))
def test_on_ecs_every_hop_outlasts_the_one_before(ask: Ask, longest: int, startup: int) -> None:
    chain = times(ask, "ecs", longest, startup)
    assert longest < chain.alb_idle_timeout_seconds <= 4000
    assert chain.alb_idle_timeout_seconds < chain.keep_alive_seconds
    assert longest <= chain.deregistration_delay_seconds <= 3600
    assert chain.shutdown_timeout_seconds > 0
    assert chain.shutdown_timeout_seconds + 30 <= chain.stop_timeout_seconds
    assert startup <= chain.engine_ready_timeout_seconds
    assert chain.engine_ready_timeout_seconds < chain.health_check_grace_seconds
    assert chain.health_check_grace_seconds >= 900
    assert startup <= chain.scale_out_cooldown_seconds
    assert 2 * chain.scale_out_cooldown_seconds <= chain.scale_in_cooldown_seconds


@given(longest=st.integers(1, 480), startup=st.integers(300, 3600))
def test_on_sagemaker_the_platforms_limits_hold(ask: Ask, longest: int, startup: int) -> None:
    chain = times(ask, "sagemaker", longest, startup)
    assert 0 < chain.shutdown_timeout_seconds <= 25
    assert chain.stop_timeout_seconds == 30
    assert 60 <= chain.engine_ready_timeout_seconds <= 3600
    assert startup <= chain.engine_ready_timeout_seconds


@pytest.mark.parametrize(("longest", "shutdown", "stop"), [(300, 120, 150), (60, 60, 90)])
def test_a_stopping_replica_waits_no_longer_than_needed(
    ask: Ask, longest: int, shutdown: int, stop: int
) -> None:
    chain = times(ask, "ecs", longest, 900)
    assert (chain.shutdown_timeout_seconds, chain.stop_timeout_seconds) == (shutdown, stop)
