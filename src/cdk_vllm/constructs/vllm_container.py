"""How vLLM is started: its options, and the environment variables that are not options.

What the image itself sets (no telemetry, no hub, where caches lie) is repeated here, because an
image may also be one that somebody else built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.constructs.image import CACHE_DIRECTORY
from cdk_vllm.sizing import timeouts_for, to_flags

if TYPE_CHECKING:
    from cdk_vllm.sizing import EngineValue, ServingPlan

PORT = 8000


def serve_options(plan: ServingPlan) -> dict[str, EngineValue]:
    """Return vLLM's options: the plan's, between defaults it may change and what it may not.

    vLLM's own defaults queue without limit, drop what runs when stopped, and write a line for every
    health check. A request beyond `max_num_queued_reqs` (vLLM counts the running ones too) is
    answered with 503 at once. Source: vLLM 0.33.0's help text.
    """
    sequences = int(plan.engine_args["max_num_seqs"])
    adjustable: dict[str, EngineValue] = {
        "max_num_queued_reqs": 2 * sequences,
        "sse_keep_alive_interval": 15,
        "enable_request_id_headers": True,
    }
    fixed: dict[str, EngineValue] = {
        "shutdown_timeout": timeouts_for(plan).shutdown_timeout_seconds,
        "disable_fastapi_docs": True,
        "disable_access_log_for_endpoints": "/health,/metrics,/ping",
    }
    return adjustable | plan.engine_args | fixed


def ecs_command(plan: ServingPlan, model_uri: str) -> list[str]:
    """Return the words after `vllm serve`: weights stream from S3 and never touch the disk."""
    # runai_streamer reads safetensors only; `auto` would fall back to pickled weights.
    options = serve_options(plan) | {"load_format": "runai_streamer"}
    return [model_uri, *to_flags(options)]


def ecs_environment(plan: ServingPlan) -> dict[str, str]:
    """Return the container's variables; nothing secret is among them."""
    return _environment(plan) | {"HOME": CACHE_DIRECTORY, "TMPDIR": "/tmp"}  # noqa: S108 - a tmpfs of its own


def sagemaker_environment(plan: ServingPlan) -> dict[str, str]:
    """Return the container's variables: each option as `SM_VLLM_NAME`, SageMaker's only way in."""
    # SageMaker puts the weights on the disk; `auto` would fall back to pickled ones.
    options = serve_options(plan) | {"load_format": "safetensors"}
    as_variables = {f"SM_VLLM_{name.upper()}": _text(value) for name, value in options.items()}
    return _environment(plan) | as_variables


def _environment(plan: ServingPlan) -> dict[str, str]:
    timeouts = timeouts_for(plan)
    return {
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "OPT_OUT_TRACKING": "true",
        "STANDARD_AUTO_INSTALL_REQ": "false",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_CACHE_ROOT": f"{CACHE_DIRECTORY}/vllm",
        # Longer than the load balancer keeps an idle connection; vLLM's 5 s are a stream of 502s.
        "VLLM_HTTP_TIMEOUT_KEEP_ALIVE": str(timeouts.keep_alive_seconds),
        "VLLM_ENGINE_READY_TIMEOUT_S": str(timeouts.engine_ready_timeout_seconds),
        # One request may ask for 16384 answers by default.
        "VLLM_MAX_N_SEQUENCES": "64",
        "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0",
        "VLLM_NO_USAGE_STATS": "1",
    }


def _text(value: EngineValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
