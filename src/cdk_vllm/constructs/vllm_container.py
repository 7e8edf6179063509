"""How vLLM is started: its options, and the environment variables that are not options.

What the image itself sets (no telemetry, no hub, where caches lie) is repeated here, because an
image may also be one that somebody else built.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cdk_vllm.constructs.image import CACHE_DIRECTORY
from cdk_vllm.model_prefix import model_prefix
from cdk_vllm.sizing import timeouts_for, to_flags

if TYPE_CHECKING:
    from cdk_vllm.sizing import EngineValue, ServingPlan

PORT = 8000
MODEL_DIRECTORY = "/models"
"""Where weights lie that come over the instance's disk; one folder for a revision."""
ADAPTERS_DIRECTORY = "/adapters"
"""Where pinned adapters lie, `NAME/VERSION` each; the container that serves cannot write there."""
NO_DOMAIN = "media.invalid"
"""A name that never resolves (RFC 2606): images come in requests, not from addresses in them."""
PLUGIN = "cdk_vllm_adapters"
"""The image's plugin that finds registered adapters; no other plugin is ever loaded."""


def serve_options(plan: ServingPlan) -> dict[str, EngineValue]:
    """Return vLLM's options: the plan's, between defaults it may change and what it may not.

    vLLM's own defaults queue without limit, drop what runs when stopped, and write a line for every
    health check. A request beyond `max_num_queued_reqs` (vLLM counts the running ones too) is
    answered with 503 at once. Left alone, vLLM fetches images from any address that a prompt names,
    those inside the network too. Source: vLLM 0.33.0's help text.
    """
    sequences = int(plan.engine_args["max_num_seqs"])
    adjustable: dict[str, EngineValue] = {
        "max_num_queued_reqs": 2 * sequences,
        "sse_keep_alive_interval": 15,
        "enable_request_id_headers": True,
        "allowed_media_domains": NO_DOMAIN,
    }
    fixed: dict[str, EngineValue] = {
        "shutdown_timeout": timeouts_for(plan).shutdown_timeout_seconds,
        "disable_fastapi_docs": True,
        "disable_access_log_for_endpoints": "/health,/metrics,/ping",
    }
    return adjustable | plan.engine_args | fixed


def ecs_command(plan: ServingPlan, model_uri: str) -> list[str]:
    """Return the words after `vllm serve`: the model, vLLM's options, and the adapters.

    Weights stream from S3 and never touch the disk, unless the plan's `load` is `disk`. Both ways
    read safetensors only; `auto` would fall back to pickled weights.
    """
    if plan.load == "disk":
        model = model_directory(plan)
        options = serve_options(plan) | {"load_format": "safetensors"}
    else:
        model = model_uri
        options = serve_options(plan) | {"load_format": "runai_streamer"} | _shared_out(plan)
    return [model, *to_flags(options), *_adapter_words(plan)]


def model_directory(plan: ServingPlan) -> str:
    """Return the folder of the plan's model, where it comes over the disk: its key in the store."""
    return f"/{model_prefix(plan.request.model, plan.request.revision)}"


def adapter_directory(name: str, version: str) -> str:
    """Return the folder of a pinned adapter; another version is another folder."""
    return f"{ADAPTERS_DIRECTORY}/{name}/{version}"


def _shared_out(plan: ServingPlan) -> dict[str, EngineValue]:
    """Let each rank stream its share and pass it on, instead of all streaming everything.

    Source: vLLM 0.33.0's runai_streamer_loader.py.
    """
    if plan.tensor_parallel_size == 1:
        return {}
    return {"model_loader_extra_config": json.dumps({"distributed": True}, separators=(",", ":"))}


def _adapter_words(plan: ServingPlan) -> list[str]:
    request = plan.request
    if request.lora == "dynamic":
        return ["--middleware", f"{PLUGIN}.AllowList"]
    modules = [
        json.dumps({"name": name, "path": adapter_directory(name, version)}, separators=(",", ":"))
        for name, version in sorted(request.adapters.items())
    ]
    return ["--lora-modules", *modules] if modules else []


def ecs_environment(plan: ServingPlan, adapters_uri: str | None = None) -> dict[str, str]:
    """Return the container's variables; nothing secret is among them.

    `adapters_uri` is where a service with dynamic adapters finds them.
    """
    own = {"HOME": CACHE_DIRECTORY, "TMPDIR": "/tmp"}  # noqa: S108 - a tmpfs of its own
    if plan.request.lora == "dynamic":
        # vLLM asks a resolver only where it may load adapters at run time; the plugin's middleware
        # closes the routes that this opens.
        own |= {
            "VLLM_PLUGINS": PLUGIN,
            "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
            "CDK_VLLM_ADAPTERS_URI": str(adapters_uri),
            "CDK_VLLM_ADAPTERS_DIRECTORY": f"{CACHE_DIRECTORY}/adapters",
        }
    return _environment(plan) | own


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
        # vLLM loads every plugin it finds unless told which.
        "VLLM_PLUGINS": "",
    }


def _text(value: EngineValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
