"""The chain of timeouts holds together for every plan it accepts, and refuses the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cdk_vllm.errors import PlanError
from cdk_vllm.sizing import ServingRequest, Timeouts, timeouts_for
from cdk_vllm.sizing.timeouts import longest_request_seconds, too_long

if TYPE_CHECKING:
    from cdk_vllm.sizing import ServingPlan
    from cdk_vllm.sizing.plan import Backend


@dataclass(frozen=True, kw_only=True)
class Asked(ServingRequest):
    """A request that also says whether answers may be cut, and whether callers stream."""

    allow_interrupted_requests: bool = False
    streaming: bool = True


def times(plan: ServingPlan, backend: str, longest: int, startup: int, **asked: bool) -> Timeouts:
    request = Asked(
        **vars(replace(plan.request, backend=cast("Backend", backend), max_request_seconds=longest))
        | asked,
    )
    return timeouts_for(replace(plan, request=request, startup_seconds=startup))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=500)
@given(
    backend=st.sampled_from(["ecs", "sagemaker"]),
    longest=st.integers(-5, 4200),
    startup=st.integers(60, 7200),
    spot=st.booleans(),
    allowed=st.booleans(),
    streaming=st.booleans(),
)
@example(backend="ecs", longest=3600, startup=7200, spot=False, allowed=False, streaming=True)
@example(backend="ecs", longest=65, startup=60, spot=True, allowed=False, streaming=True)
@example(backend="sagemaker", longest=480, startup=3600, spot=False, allowed=False, streaming=True)
def test_whatever_is_accepted_holds_every_inequality(
    ecs_plan: ServingPlan,
    backend: str,
    longest: int,
    startup: int,
    spot: bool,
    allowed: bool,
    streaming: bool,
) -> None:
    asked = {"spot": spot, "allow_interrupted_requests": allowed, "streaming": streaming}
    try:
        chain = times(ecs_plan, backend, longest, startup, **asked)
    except PlanError:
        most = longest_request_seconds(backend=backend, **asked)
        assert not 1 <= longest <= most or (backend == "sagemaker" and startup > 3600)
        return
    _starts_in_time(chain, startup)
    assert 0 < chain.shutdown_timeout_seconds <= longest
    if backend == "sagemaker":
        assert longest <= (480 if streaming else 60)
        assert chain.shutdown_timeout_seconds + 5 <= chain.stop_timeout_seconds == 30
        assert 60 <= chain.engine_ready_timeout_seconds <= 3600
        return
    _outlasts_each_hop(chain, longest)
    if spot and not allowed:
        drained = chain.deregistration_delay_seconds + chain.stop_timeout_seconds
        assert drained <= 110


def _starts_in_time(chain: Timeouts, startup: int) -> None:
    assert startup <= chain.engine_ready_timeout_seconds
    assert chain.engine_ready_timeout_seconds + 300 <= chain.health_check_grace_seconds
    assert chain.health_check_grace_seconds >= 900
    assert max(startup, 300) <= chain.scale_out_cooldown_seconds
    assert 2 * chain.scale_out_cooldown_seconds <= chain.scale_in_cooldown_seconds


def _outlasts_each_hop(chain: Timeouts, longest: int) -> None:
    assert longest < chain.alb_idle_timeout_seconds <= 4000
    assert chain.alb_idle_timeout_seconds >= 300
    assert chain.alb_idle_timeout_seconds < chain.keep_alive_seconds
    assert longest <= chain.deregistration_delay_seconds <= 3600
    assert chain.shutdown_timeout_seconds + 30 <= chain.stop_timeout_seconds
    assert chain.stop_timeout_seconds <= chain.agent_stop_timeout_seconds


@pytest.mark.parametrize(
    ("longest", "spot", "shutdown", "stop"),
    [(300, False, 120, 150), (60, False, 60, 90), (60, True, 15, 45), (10, True, 10, 40)],
)
def test_a_stopping_replica_waits_no_longer_than_needed(
    ecs_plan: ServingPlan, longest: int, spot: bool, shutdown: int, stop: int
) -> None:
    chain = times(ecs_plan, "ecs", longest, 900, spot=spot)
    assert (chain.shutdown_timeout_seconds, chain.stop_timeout_seconds) == (shutdown, stop)
    assert chain.agent_stop_timeout_seconds == stop


def test_a_request_without_the_newer_fields_has_their_defaults(ecs_plan: ServingPlan) -> None:
    assert timeouts_for(ecs_plan) == times(ecs_plan, "ecs", 300, 420)


def test_allowed_interruptions_leave_ordinary_deployments_their_time(ecs_plan: ServingPlan) -> None:
    chain = times(ecs_plan, "ecs", 600, 900, spot=True, allow_interrupted_requests=True)
    assert chain.deregistration_delay_seconds == 600


@pytest.mark.parametrize(
    ("backend", "longest", "asked", "words"),
    [
        ("ecs", 3601, {}, ("3601", "3600 s at most", "1 to 3600")),
        ("ecs", 0, {}, ("is 0", "1 to 3600")),
        ("ecs", 66, {"spot": True}, ("about 110 s", "1 to 65", "allow_interrupted_requests")),
        ("sagemaker", 481, {"streaming": True}, ("stream", "1 to 480", "asynchronous")),
        ("sagemaker", 3601, {"asynchronous": True}, ("an hour", "1 to 3600")),
        ("sagemaker", 61, {"streaming": False}, ("whole answer", "1 to 60", "streaming = true")),
    ],
)
def test_a_request_no_hop_can_keep_is_refused(
    ecs_plan: ServingPlan, backend: str, longest: int, asked: dict[str, bool], words: tuple[str]
) -> None:
    with pytest.raises(PlanError) as refused:
        times(ecs_plan, backend, longest, 900, **asked)
    assert all(word in str(refused.value) for word in ("services.chat", *words))
    assert str(too_long(longest, backend=backend, **asked)) in str(refused.value)


def test_a_cold_start_that_sagemaker_gives_up_on_is_refused(sagemaker_plan: ServingPlan) -> None:
    with pytest.raises(PlanError, match="3601 s, and SageMaker gives a container 3600 s"):
        times(sagemaker_plan, "sagemaker", 60, 3601)
