"""The memory of one GPU, term by term.

Source: vLLM 0.33.0's v1/worker/gpu_worker.py: what is left for the KV cache is the budget less
weights, non-torch memory, the peak of activations and the estimate of CUDA graphs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_vllm.sizing import activation, adapters, dtypes, kv_cache, overheads, usable, weights
from cdk_vllm.sizing.engine_version import NEWEST, parse_version, profiling
from cdk_vllm.sizing.kv_groups import Pool, pool
from cdk_vllm.sizing.kv_specs import CacheOptions
from cdk_vllm.sizing.modules import Parallel
from cdk_vllm.sizing.plan import MemoryPerGpu
from cdk_vllm.sizing.speculation import draft_of
from cdk_vllm.sizing.stored import Target
from cdk_vllm.sizing.units import gib

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.catalog import Gpu
    from cdk_vllm.sizing.plan import EngineValue, ModelShape, Workload


@dataclass(frozen=True, kw_only=True)
class MemoryBytes:
    """One GPU's memory in bytes, and the KV cache that the workload needs of it.

    `weights` hold a draft model's too, `non_torch` the slots for adapters. `kv_cache_fixed` is the
    cache's size where the engine is told it, which leaves its own profiling out of account.
    """

    total: int
    usable: int
    weights: int
    activation: int
    non_torch: int
    cuda_graphs: int
    kv_cache_needed: int
    kv_cache_per_token: int
    pool: Pool
    kv_cache_fixed: int | None = None

    @property
    def kv_cache(self) -> int:
        """What is left for the KV cache; negative where the weights do not even fit."""
        if self.kv_cache_fixed is not None:
            return self.kv_cache_fixed
        taken = self.weights + self.activation + self.non_torch + self.cuda_graphs
        return self.usable - taken

    @property
    def blocks(self) -> int:
        """The blocks that the KV cache holds, over all groups of layers."""
        return self.pool.blocks(self.kv_cache)

    @property
    def kv_cache_tokens(self) -> int:
        """The "GPU KV cache size" that vLLM logs."""
        return self.pool.logged_tokens(self.blocks)

    @property
    def max_concurrency(self) -> float:
        """How many requests of the longest length fit, as vLLM logs it."""
        return self.pool.max_concurrency(self.blocks)

    @property
    def holds_workload(self) -> bool:
        """Whether the cache holds the workload with its margin."""
        return self.blocks * self.pool.block_bytes >= self.kv_cache_needed

    @property
    def starts(self) -> bool:
        """Whether vLLM starts: one request of the longest length fits, beside a block held back."""
        return self.kv_cache > 0 and self.kv_cache >= self.pool.request_bytes

    def concurrency(self, tokens: int) -> float:
        """Return how many requests of a length fit."""
        taken = self.pool.blocks_for(tokens)
        return self.blocks / taken if taken else 0.0


def memory_bytes(
    shape: ModelShape,
    workload: Workload,
    gpu: Gpu,
    engine_args: Mapping[str, EngineValue],
    vllm_version: str = NEWEST,
) -> MemoryBytes:
    """Return one GPU's memory under complete engine arguments, as `engine_args` makes them."""
    target = Target(capability=gpu.compute_capability, vllm=parse_version(vllm_version))
    parallel = parallel_of(engine_args)
    total = usable.total_bytes(gpu)
    cache = pool(shape, parallel, cache_options(shape, engine_args, workload, target), target)
    fixed = engine_args.get("kv_cache_memory_bytes")
    return MemoryBytes(
        total=total,
        usable=usable.usable_bytes(total, float(engine_args["gpu_memory_utilization"])),
        weights=_weights(shape, parallel, engine_args, target),
        activation=_activation(shape, parallel, engine_args, target),
        non_torch=_non_torch(shape, parallel, gpu, engine_args, target),
        cuda_graphs=_cuda_graphs(shape, gpu, engine_args, target),
        kv_cache_needed=kv_cache.needed_blocks(workload, cache) * cache.block_bytes,
        kv_cache_per_token=cache.bytes_per_token,
        pool=cache,
        kv_cache_fixed=None if fixed is None else int(fixed),
    )


def parallel_of(engine_args: Mapping[str, EngineValue]) -> Parallel:
    """Return how engine arguments split a model."""
    return Parallel(
        tensor=int(engine_args["tensor_parallel_size"]),
        pipeline=int(engine_args.get("pipeline_parallel_size", 1)),
        experts=bool(engine_args.get("enable_expert_parallel")),
    )


def cache_options(
    shape: ModelShape,
    engine_args: Mapping[str, EngineValue],
    workload: Workload,
    target: Target,
) -> CacheOptions:
    """Return the options that decide the KV cache."""
    block = engine_args.get("block_size")
    draft = draft_of(shape, engine_args)
    return CacheOptions(
        max_model_len=int(engine_args.get("max_model_len", workload.max_model_len)),
        max_num_batched_tokens=int(engine_args["max_num_batched_tokens"]),
        element_bytes=dtypes.kv_cache_bytes(shape, engine_args, target.capability),
        block_tokens=None if block is None else int(block),
        speculative_tokens=draft.tokens,
        draft_layers=draft.cache_layers,
        prefix_caching=engine_args.get("enable_prefix_caching") is not False,
    )


def _weights(
    shape: ModelShape,
    parallel: Parallel,
    engine_args: Mapping[str, EngineValue],
    target: Target,
) -> int:
    own = weights.weights_bytes_per_rank(
        shape,
        parallel.tensor,
        pipeline_parallel_size=parallel.pipeline,
        expert_parallel=parallel.experts,
        target=target,
        max_num_batched_tokens=int(engine_args["max_num_batched_tokens"]),
    )
    return own + draft_of(shape, engine_args).weight_bytes(parallel)


def _activation(
    shape: ModelShape,
    parallel: Parallel,
    engine_args: Mapping[str, EngineValue],
    target: Target,
) -> int:
    return activation.activation_bytes(
        shape,
        1 if parallel.experts else parallel.tensor,
        int(engine_args["max_num_batched_tokens"]),
        int(engine_args["max_num_seqs"]),
        profiling(target.vllm).sampler_bytes_per_logit,
    )


def _non_torch(
    shape: ModelShape,
    parallel: Parallel,
    gpu: Gpu,
    engine_args: Mapping[str, EngineValue],
    target: Target,
) -> int:
    ranks = parallel.tensor * parallel.pipeline
    slots = 0
    if engine_args.get("enable_lora"):
        loras = int(engine_args.get("max_loras", 1))
        rank = int(engine_args.get("max_lora_rank", 16))
        fully = bool(engine_args.get("fully_sharded_loras"))
        slots = adapters.adapter_bytes(shape, parallel, loras, rank, fully_sharded=fully)
    state = overheads.sampler_state_bytes(
        shape, int(engine_args["max_num_seqs"]), profiling(target.vllm).state_bytes_per_logit
    )
    return overheads.non_torch_bytes(gpu, ranks, target.vllm) + state + slots


def _cuda_graphs(
    shape: ModelShape, gpu: Gpu, engine_args: Mapping[str, EngineValue], target: Target
) -> int:
    if engine_args.get("enforce_eager") or not profiling(target.vllm).subtracts_graphs:
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
