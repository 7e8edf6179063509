"""Every timeout in the chain, from one number: the longest request.

An answer must survive each hop while it is being made, a stopping replica must finish what it has,
and a starting one must not be killed. Sources: Elastic Load Balancing's limits (idle timeout 1 to
4000 s, deregistration delay to 3600 s), ECS (a target is drained before the container is told to
stop), SageMaker (it kills a container 30 s after telling it to stop; health checks for 60 to
3600 s), vLLM 0.33.0 (`--shutdown-timeout`, `VLLM_ENGINE_READY_TIMEOUT_S`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cdk_vllm.sizing.plan import ServingPlan

SAGEMAKER_KILL_SECONDS = 30
SAGEMAKER_MAX_SHUTDOWN_SECONDS = 25
SAGEMAKER_MAX_STARTUP_SECONDS = 3600
ECS_MAX_SHUTDOWN_SECONDS = 120  # a backstop: the load balancer has drained the target by then
MIN_IDLE_SECONDS = 300
MIN_ENGINE_READY_SECONDS = 600  # vLLM's own default
MIN_GRACE_SECONDS = 900
PULL_SECONDS = 300  # the image's part of a cold start, with margin


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds; each follows from `max_request_seconds` or from the predicted cold start.

    `shutdown_timeout_seconds` is vLLM's own wait for running requests, `stop_timeout_seconds` what
    the container is given before it is killed. `keep_alive_seconds` is how long vLLM keeps an idle
    connection, longer than the load balancer does.
    """

    shutdown_timeout_seconds: int
    stop_timeout_seconds: int
    deregistration_delay_seconds: int
    alb_idle_timeout_seconds: int
    keep_alive_seconds: int
    health_check_grace_seconds: int
    engine_ready_timeout_seconds: int
    scale_out_cooldown_seconds: int
    scale_in_cooldown_seconds: int


def timeouts_for(plan: ServingPlan) -> Timeouts:
    """Return the timeouts of a plan's backend."""
    longest = plan.request.max_request_seconds
    idle = max(MIN_IDLE_SECONDS, longest + 60)
    ready = max(MIN_ENGINE_READY_SECONDS, plan.startup_seconds)
    if plan.request.backend == "sagemaker":
        ready = min(ready, SAGEMAKER_MAX_STARTUP_SECONDS)
        shutdown, stop = min(longest, SAGEMAKER_MAX_SHUTDOWN_SECONDS), SAGEMAKER_KILL_SECONDS
    else:
        shutdown = min(longest, ECS_MAX_SHUTDOWN_SECONDS)
        stop = shutdown + 30
    return Timeouts(
        shutdown_timeout_seconds=shutdown,
        stop_timeout_seconds=stop,
        deregistration_delay_seconds=longest,
        alb_idle_timeout_seconds=idle,
        keep_alive_seconds=idle + 60,
        health_check_grace_seconds=max(MIN_GRACE_SECONDS, ready + PULL_SECONDS),
        engine_ready_timeout_seconds=ready,
        scale_out_cooldown_seconds=plan.startup_seconds,
        scale_in_cooldown_seconds=2 * plan.startup_seconds,
    )
