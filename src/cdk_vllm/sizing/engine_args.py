"""The engine arguments that make the prediction true, and their rendering as vLLM's flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.sizing import usable
from cdk_vllm.sizing.dtypes import weight_dtype

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.catalog import Gpu
    from cdk_vllm.sizing.plan import EngineValue, ServingRequest

SEQUENCES_PERCENT = 110  # a little above the concurrency asked for, so that a burst is not queued


def engine_args(
    request: ServingRequest, gpu: Gpu, tensor_parallel_size: int
) -> dict[str, EngineValue]:
    """Return the complete arguments: what the rules set, with the user's own options over them.

    A user's `dtype` is kept in vLLM's canonical spelling (`half` becomes `float16`).
    """
    sequences = int(request.engine.get("max_num_seqs", _sequences(request)))
    arguments: dict[str, EngineValue] = {
        "served_model_name": request.model,
        "tensor_parallel_size": tensor_parallel_size,
        "max_model_len": request.workload.max_model_len,
        "max_num_seqs": sequences,
        "max_num_batched_tokens": _batched_tokens(request, gpu, sequences),
        "gpu_memory_utilization": usable.default_utilization(gpu),
        "dtype": "",
        "kv_cache_dtype": "auto",
    }
    return arguments | request.engine | {"dtype": weight_dtype(request.shape, request.engine)}


def _sequences(request: ServingRequest) -> int:
    return -(-request.workload.concurrent_requests * SEQUENCES_PERCENT // 100)


def default_batched_tokens(gpu: Gpu) -> int:
    """Return vLLM's own default of `max_num_batched_tokens` for its server.

    Source: vLLM 0.33.0's engine/arg_utils.py: by the GPU's memory, and A100 counted as small.
    """
    total_gib = gpu.total_gib or 0.0
    if total_gib >= 160:
        return 16384
    return 8192 if total_gib >= 70 and not gpu.name.startswith("A100") else 2048


def _batched_tokens(request: ServingRequest, gpu: Gpu, sequences: int) -> int:
    """At least one token for each sequence, and a whole prompt where prefill is not chunked."""
    whole = request.engine.get("enable_chunked_prefill") is False
    prompt = request.workload.max_model_len if whole else 0
    return max(default_batched_tokens(gpu), sequences, prompt)


def to_flags(engine_args: Mapping[str, EngineValue]) -> list[str]:
    """Return the arguments as words of vLLM's command line, in the mapping's order.

    A true flag is `--x`; a false one is the flag that vLLM switches it off with, or nothing where
    it has none, because off is then the default.
    """
    words: list[str] = []
    for name, value in engine_args.items():
        option = catalog.engine_options()[name]
        if option.kind == "flag":
            words += [option.flag] if value else [option.negative] if option.negative else []
        elif option.many:
            words += [option.flag, *str(value).split()]
        else:
            words += [option.flag, str(value)]
    return words
