"""A model on one kind of GPU with one tensor parallel size, whatever machine is around it.

Instance types with the same GPU share these figures, so that they are worked out once each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cdk_vllm.sizing.engine_args import engine_args
from cdk_vllm.sizing.memory import MemoryBytes, memory_bytes
from cdk_vllm.sizing.refusals import illegal, too_slow, too_small
from cdk_vllm.sizing.speed.estimate import Speed, speed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.catalog import Gpu
    from cdk_vllm.sizing.plan import EngineValue, ServingRequest, Workload

MOST_REQUESTS = 1024  # the most vLLM schedules at once by its own defaults


@dataclass(frozen=True, kw_only=True)
class OnGpu:
    """What a replica is planned to carry, how vLLM is started, and what comes of it.

    `illegal` is why vLLM would not start so, `short` why memory or speed do not suffice.
    """

    gpu: Gpu
    tensor_parallel_size: int
    workload: Workload
    engine_args: Mapping[str, EngineValue]
    memory: MemoryBytes
    speed: Speed | None
    illegal: str | None
    short: str | None

    @property
    def fits(self) -> bool:
        """Whether nothing about the GPU stands against it."""
        return self.illegal is None and self.short is None


def on_gpu(request: ServingRequest, gpu: Gpu, tensor_parallel_size: int) -> OnGpu:
    """Return the figures for the concurrency asked of a replica, or for the most it can carry.

    Where the request gives a peak over all replicas, a replica carries as much of it as its memory
    holds and its targets allow; the replicas that the peak then takes share it evenly.
    """
    peak = request.peak_concurrent_requests
    if peak is None:
        return _carrying(request, gpu, tensor_parallel_size, None)
    first = _carrying(request, gpu, tensor_parallel_size, 1)
    if not first.fits:
        return first
    scheduled = int(request.engine.get("max_num_seqs", MOST_REQUESTS))
    most = _largest(request, gpu, tensor_parallel_size, min(peak, scheduled))
    replicas = -(-peak // most)
    return _carrying(request, gpu, tensor_parallel_size, -(-peak // replicas))


def _largest(request: ServingRequest, gpu: Gpu, tensor_parallel_size: int, bound: int) -> int:
    """Return the most requests a replica carries, between 1, which fits, and the bound."""
    low, high = 1, bound
    while low < high:
        middle = (low + high + 1) // 2
        if _carrying(request, gpu, tensor_parallel_size, middle).fits:
            low = middle
        else:
            high = middle - 1
    return low


def _carrying(
    request: ServingRequest, gpu: Gpu, tensor_parallel_size: int, concurrent: int | None
) -> OnGpu:
    workload = request.workload
    if concurrent is not None:
        workload = replace(workload, concurrent_requests=concurrent)
        request = replace(request, workload=workload)
    arguments = engine_args(request, gpu, tensor_parallel_size)
    memory = memory_bytes(request.shape, workload, gpu, arguments, request.vllm_version)
    predicted = speed(request.shape, workload, gpu, arguments)
    return OnGpu(
        gpu=gpu,
        tensor_parallel_size=tensor_parallel_size,
        workload=workload,
        engine_args=arguments,
        memory=memory,
        speed=predicted,
        illegal=illegal(request, gpu, arguments),
        short=too_small(workload, gpu, tensor_parallel_size, memory)
        or too_slow(request, workload, predicted),
    )
