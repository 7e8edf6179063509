"""Every timeout in the chain, from two numbers: the longest request and the cold start.

An answer must survive each hop while it is being made, a stopping replica must finish what it has,
and a starting one must not be killed. Sources: Elastic Load Balancing's limits (idle timeout 1 to
4000 s, deregistration delay to 3600 s), ECS (a target is drained for the whole deregistration
delay before the container is told to stop), EC2 (a Spot instance is gone 120 s after its notice),
SageMaker (whole answers within 60 s, streams within 480 s; it kills a container 30 s after telling
it to stop; health checks for 60 to 3600 s), vLLM 0.33.0 (`--shutdown-timeout`,
`VLLM_ENGINE_READY_TIMEOUT_S`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_vllm.errors import PlanError

if TYPE_CHECKING:
    from cdk_vllm.sizing.plan import ServingPlan

ALB_MAX_IDLE_SECONDS = 4000
ALB_MAX_DEREGISTRATION_SECONDS = 3600
SPOT_USABLE_SECONDS = 110  # of the 120 s of a notice; the agent polls for it every few seconds
SPOT_MAX_SHUTDOWN_SECONDS = 15
SAGEMAKER_KILL_SECONDS = 30
SAGEMAKER_MAX_SHUTDOWN_SECONDS = 25
SAGEMAKER_MAX_STARTUP_SECONDS = 3600
SAGEMAKER_MAX_ANSWER_SECONDS = 60
SAGEMAKER_MAX_STREAM_SECONDS = 480
SAGEMAKER_MAX_ASYNCHRONOUS_SECONDS = 3600
ECS_MAX_SHUTDOWN_SECONDS = 120  # a backstop: the load balancer has drained the target by then
KILL_MARGIN_SECONDS = 30  # from the end of vLLM's own wait to the kill
MIN_IDLE_SECONDS = 300
IDLE_MARGIN_SECONDS = 60
MIN_ENGINE_READY_SECONDS = 600  # vLLM's own default
MIN_GRACE_SECONDS = 900
PULL_SECONDS = 300  # the image's part of a cold start, with margin
MIN_COOLDOWN_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds; each follows from `max_request_seconds` or from the predicted cold start.

    `shutdown_timeout_seconds` is vLLM's own wait for running requests, `stop_timeout_seconds` what
    the container is given before it is killed, and `agent_stop_timeout_seconds` what the ECS agent
    gives containers that say nothing. `keep_alive_seconds` is how long vLLM keeps an idle
    connection, longer than the load balancer does. On SageMaker, which brings its own front door,
    those of the load balancer are unused.
    """

    shutdown_timeout_seconds: int
    stop_timeout_seconds: int
    agent_stop_timeout_seconds: int
    deregistration_delay_seconds: int
    alb_idle_timeout_seconds: int
    keep_alive_seconds: int
    health_check_grace_seconds: int
    engine_ready_timeout_seconds: int
    scale_out_cooldown_seconds: int
    scale_in_cooldown_seconds: int


def timeouts_for(plan: ServingPlan) -> Timeouts:
    """Return the timeouts of a plan's backend; raises `PlanError` beyond what it can keep.

    Of the request are read `max_request_seconds`, `backend`, `spot`, `allow_interrupted_requests`,
    `streaming` and `asynchronous`.
    """
    request = plan.request
    longest, on_sagemaker = request.max_request_seconds, request.backend == "sagemaker"
    allowed = request.allow_interrupted_requests
    reason = too_long(
        longest,
        backend=request.backend,
        spot=request.spot,
        allow_interrupted_requests=allowed,
        streaming=request.streaming,
        asynchronous=request.asynchronous,
    )
    if reason is None and on_sagemaker:
        reason = _too_slow(plan.startup_seconds)
    if reason is not None:
        raise PlanError(f"services.{request.service}: {reason}")
    ready = max(MIN_ENGINE_READY_SECONDS, plan.startup_seconds)
    idle = max(MIN_IDLE_SECONDS, longest + IDLE_MARGIN_SECONDS)
    cooldown = max(MIN_COOLDOWN_SECONDS, plan.startup_seconds)
    shutdown = min(longest, _most_shutdown(on_sagemaker, request.spot and not allowed))
    stop = SAGEMAKER_KILL_SECONDS if on_sagemaker else shutdown + KILL_MARGIN_SECONDS
    return Timeouts(
        shutdown_timeout_seconds=shutdown,
        stop_timeout_seconds=stop,
        agent_stop_timeout_seconds=stop,
        deregistration_delay_seconds=longest,
        alb_idle_timeout_seconds=idle,
        keep_alive_seconds=idle + IDLE_MARGIN_SECONDS,
        health_check_grace_seconds=max(MIN_GRACE_SECONDS, ready + PULL_SECONDS),
        engine_ready_timeout_seconds=ready,
        scale_out_cooldown_seconds=cooldown,
        scale_in_cooldown_seconds=2 * cooldown,
    )


def longest_request_seconds(
    *,
    backend: str,
    spot: bool = False,
    allow_interrupted_requests: bool = False,
    streaming: bool = False,
    asynchronous: bool = False,
) -> int:
    """Return the longest request that a backend can see through, in seconds.

    On Spot the target is drained and the container stopped within what a notice leaves; where
    interrupted requests are allowed, Spot is bound as on-demand instances are, and a request that
    is longer than the notice ends with its instance. Without `streaming` or `asynchronous`,
    SageMaker's callers wait for whole answers.
    """
    if backend == "sagemaker" and asynchronous:
        return SAGEMAKER_MAX_ASYNCHRONOUS_SECONDS
    if backend == "sagemaker":
        return SAGEMAKER_MAX_STREAM_SECONDS if streaming else SAGEMAKER_MAX_ANSWER_SECONDS
    if spot and not allow_interrupted_requests:
        return SPOT_USABLE_SECONDS - SPOT_MAX_SHUTDOWN_SECONDS - KILL_MARGIN_SECONDS
    return min(ALB_MAX_DEREGISTRATION_SECONDS, ALB_MAX_IDLE_SECONDS - IDLE_MARGIN_SECONDS)


def too_long(
    max_request_seconds: int,
    *,
    backend: str,
    spot: bool = False,
    allow_interrupted_requests: bool = False,
    streaming: bool = False,
    asynchronous: bool = False,
) -> str | None:
    """Return why a backend cannot see the longest request through, or `None` if it can."""
    most = longest_request_seconds(
        backend=backend,
        spot=spot,
        allow_interrupted_requests=allow_interrupted_requests,
        streaming=streaming,
        asynchronous=asynchronous,
    )
    if 1 <= max_request_seconds <= most:
        return None
    sentence = f"max_request_seconds is {max_request_seconds}, and {{}}; allowed: 1 to {most}"
    if backend == "sagemaker":
        return _too_long_for_sagemaker(sentence, streaming, asynchronous)
    if spot and not allow_interrupted_requests:
        why = "a Spot notice leaves about 110 s, of which stopping takes 45"
        return sentence.format(why) + ", or allow_interrupted_requests = true"
    return sentence.format("a load balancer drains a target for 3600 s at most")


def _too_long_for_sagemaker(sentence: str, streaming: bool, asynchronous: bool) -> str:
    if asynchronous:
        return sentence.format("SageMaker gives an asynchronous answer an hour")
    further = "asynchronous = true for up to 3600"
    if streaming:
        return sentence.format("SageMaker ends a stream after 480 s") + f", or {further}"
    why = "SageMaker ends a whole answer after 60 s"
    return sentence.format(why) + f", or streaming = true for up to 480, {further}"


def _most_shutdown(on_sagemaker: bool, must_leave_fast: bool) -> int:
    if on_sagemaker:
        return SAGEMAKER_MAX_SHUTDOWN_SECONDS
    return SPOT_MAX_SHUTDOWN_SECONDS if must_leave_fast else ECS_MAX_SHUTDOWN_SECONDS


def _too_slow(startup_seconds: int) -> str | None:
    if startup_seconds <= SAGEMAKER_MAX_STARTUP_SECONDS:
        return None
    return (
        f"its cold start is predicted to take {startup_seconds} s, and SageMaker gives a container "
        f"{SAGEMAKER_MAX_STARTUP_SECONDS} s; take backend ecs, or an instance with more network"
    )
