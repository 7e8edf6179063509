"""The memory of one GPU, term by term.

Source: vLLM 0.33.0's v1/worker/gpu_worker.py: what is left for the KV cache is the budget less
weights, non-torch memory, the peak of activations and the estimate of CUDA graphs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_vllm.sizing import activation, dtypes, kv_cache, overheads, usable, weights
from cdk_vllm.sizing.plan import MemoryPerGpu
from cdk_vllm.sizing.units import gib

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.catalog import Gpu
    from cdk_vllm.sizing.plan import EngineValue, ModelShape, Workload


@dataclass(frozen=True, kw_only=True)
class MemoryBytes:
    """One GPU's memory in bytes, and the KV cache that the workload needs of it."""

    total: int
    usable: int
    weights: int
    activation: int
    non_torch: int
    cuda_graphs: int
    kv_cache_needed: int
    kv_cache_per_token: int

    @property
    def kv_cache(self) -> int:
        """What is left for the KV cache; negative where the weights do not even fit."""
        taken = self.weights + self.activation + self.non_torch + self.cuda_graphs
        return self.usable - taken

    @property
    def blocks(self) -> int:
        """The blocks of 16 tokens that the KV cache holds."""
        return kv_cache.blocks(self.kv_cache, self.kv_cache_per_token)


def memory_bytes(
    shape: ModelShape,
    workload: Workload,
    gpu: Gpu,
    engine_args: Mapping[str, EngineValue],
) -> MemoryBytes:
    """Return one GPU's memory under complete engine arguments, as `engine_args` makes them."""
    ranks = int(engine_args["tensor_parallel_size"])
    seqs = int(engine_args["max_num_seqs"])
    batched = int(engine_args["max_num_batched_tokens"])
    total = usable.total_bytes(gpu)
    per_token = kv_cache.bytes_per_token(shape, ranks, dtypes.kv_cache_element_bytes(engine_args))
    return MemoryBytes(
        total=total,
        usable=usable.usable_bytes(total, float(engine_args["gpu_memory_utilization"])),
        weights=weights.weights_bytes_per_rank(shape, ranks),
        activation=activation.activation_bytes(shape, ranks, batched, seqs),
        non_torch=overheads.non_torch_bytes(gpu, ranks),
        cuda_graphs=_cuda_graphs(shape, gpu, engine_args),
        kv_cache_needed=kv_cache.needed_tokens(workload) * per_token,
        kv_cache_per_token=per_token,
    )


def _cuda_graphs(shape: ModelShape, gpu: Gpu, engine_args: Mapping[str, EngineValue]) -> int:
    if engine_args.get("enforce_eager"):
        return 0
    capped = engine_args.get("max_cudagraph_capture_size")
    sizes = overheads.capture_sizes(
        gpu,
        int(engine_args["max_num_seqs"]),
        int(engine_args["max_num_batched_tokens"]),
        None if capped is None else int(capped),
    )
    return overheads.cuda_graph_bytes(shape, sizes)


def memory_per_gpu(memory: MemoryBytes) -> MemoryPerGpu:
    """Return the terms in GiB to three digits; the KV cache takes the rounding, so they add up."""
    usable_gib = gib(memory.usable)
    taken = [memory.weights, memory.activation, memory.non_torch, memory.cuda_graphs]
    weights_gib, activation_gib, non_torch_gib, cuda_graphs_gib = (gib(size) for size in taken)
    left = usable_gib - weights_gib - activation_gib - non_torch_gib - cuda_graphs_gib
    return MemoryPerGpu(
        total_gib=gib(memory.total),
        usable_gib=usable_gib,
        weights_gib=weights_gib,
        activation_gib=activation_gib,
        non_torch_gib=non_torch_gib,
        cuda_graphs_gib=cuda_graphs_gib,
        kv_cache_gib=round(left, 3),
        kv_cache_needed_gib=gib(memory.kv_cache_needed),
    )
