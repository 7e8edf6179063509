"""One instance type with one tensor parallel size: what it holds, what it costs, why it may not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.sizing.host_memory import replicas_by_memory
from cdk_vllm.sizing.on_gpu import OnGpu, on_gpu
from cdk_vllm.sizing.parallelism import SIZES, legal_tensor_parallel_sizes
from cdk_vllm.sizing.pricing import ReplicaPrice, replica_price
from cdk_vllm.sizing.refusals import instance_refusal
from cdk_vllm.sizing.units import GIB
from cdk_vllm.sizing.weights import checkpoint_bytes

if TYPE_CHECKING:
    from cdk_vllm.catalog import Gpu, Instance
    from cdk_vllm.sizing.memory import MemoryBytes
    from cdk_vllm.sizing.plan import ModelShape, ServingRequest

PCIE_COMFORTABLE_RANKS = 4  # an all-reduce over 8 GPUs on PCIe costs about 0.1 ms, twice a layer

# By GPU and tensor parallel size; lives as long as one choice.
Memo = dict[tuple[str, int], OnGpu]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An instance type and a tensor parallel size under a request; `reason` is why not, if so.

    `replicas` carry the service's peak, or are its fewest where it gives none.
    """

    instance: Instance
    instance_type: str
    on_gpu: OnGpu
    replicas: int
    replicas_per_instance: int
    price: ReplicaPrice
    reason: str | None

    @property
    def gpu(self) -> Gpu:
        """The GPU."""
        return self.on_gpu.gpu

    @property
    def tensor_parallel_size(self) -> int:
        """The ranks of one replica."""
        return self.on_gpu.tensor_parallel_size

    @property
    def memory(self) -> MemoryBytes:
        """One GPU's memory."""
        return self.on_gpu.memory

    @property
    def instances(self) -> int:
        """The instances under the replicas."""
        return -(-self.replicas // self.replicas_per_instance)

    @property
    def missing_bytes(self) -> int:
        """How much KV cache the workload lacks over all ranks; not above 0 where it fits."""
        return (self.memory.kv_cache_needed - self.memory.kv_cache) * self.tensor_parallel_size


def instance_names(request: ServingRequest) -> dict[str, Instance]:
    """Return the instance types a backend offers, by the backend's name, unsupported ones too."""
    known = catalog.instances().values()
    if request.backend == "ecs":
        return {instance.name: instance for instance in known}
    return {instance.sagemaker: instance for instance in known if instance.sagemaker}


def candidates_of(
    request: ServingRequest, instance_type: str, instance: Instance, memo: Memo | None = None
) -> list[Candidate]:
    """Return a candidate for each tensor parallel size that the model and the instance allow.

    Of the sizes whose weights alone exceed a GPU only the largest is worth its arithmetic.
    """
    asked = request.engine.get("tensor_parallel_size")
    sizes = legal_tensor_parallel_sizes(request.shape) if asked is None else (int(asked),)
    possible = [size for size in sizes if size <= instance.gpus and size in SIZES]
    room = (catalog.gpus()[instance.gpu].total_gib or 0.0) * GIB
    least = _least_bytes(request.shape)
    worth = [size for size in possible if least / size <= room]
    known = {} if memo is None else memo
    return [
        candidate(request, instance_type, instance, size, known) for size in worth or possible[-1:]
    ]


@lru_cache(maxsize=256)
def _least_bytes(shape: ModelShape) -> int:
    """Return a bound below the weights over all ranks; vLLM may shrink them while loading."""
    loaded = checkpoint_bytes(shape)
    return loaded // 4 if shape.quantization.startswith("online:") else loaded


def candidate(
    request: ServingRequest, instance_type: str, instance: Instance, size: int, memo: Memo
) -> Candidate:
    """Return the candidate for a supported instance with at least `size` GPUs."""
    key = (instance.gpu, size)
    if key not in memo:
        memo[key] = on_gpu(request, catalog.gpus()[instance.gpu], size)
    figures = memo[key]
    replicas, most = planned_replicas(request, figures)
    packed = replicas_per_instance(request, instance, size, most)
    return Candidate(
        instance=instance,
        instance_type=instance_type,
        on_gpu=figures,
        replicas=replicas,
        replicas_per_instance=packed,
        price=replica_price(request, instance_type, packed, replicas),
        reason=figures.illegal or instance_refusal(request, instance, size) or figures.short,
    )


def planned_replicas(request: ServingRequest, figures: OnGpu) -> tuple[int, int]:
    """Return the replicas that are paid, and the most that may run: a peak decides both."""
    if request.peak_concurrent_requests is None:
        return max(1, request.min_replicas), request.max_replicas
    if not figures.fits:
        return 1, 1
    each = figures.workload.concurrent_requests
    replicas = -(-request.peak_concurrent_requests // each)
    return replicas, replicas


def replicas_per_instance(
    request: ServingRequest, instance: Instance, tensor_parallel_size: int, most: int
) -> int:
    """Return how many replicas share an instance: on ECS as many as GPUs and memory hold."""
    if request.backend == "sagemaker":
        return 1
    by_memory = replicas_by_memory(instance, tensor_parallel_size)
    return max(1, min(instance.gpus // tensor_parallel_size, by_memory, most))


def best_of(request: ServingRequest, candidates: list[Candidate]) -> Candidate | None:
    """Return the candidate an instance would be used as: the one that fits, or the nearest miss.

    The fewest GPUs that fit, so that ECS can pack more replicas. SageMaker is paid by the whole
    instance, so it takes all GPUs that help: beyond four on PCIe only where fewer do not fit. For a
    peak, whatever carries it on the fewest instances, in replicas of the fewest GPUs.
    """
    fitting = [c for c in candidates if c.reason is None]
    if not fitting:
        return min(candidates, key=lambda c: c.missing_bytes, default=None)
    if request.peak_concurrent_requests is not None:
        return min(fitting, key=lambda c: (c.instances, c.tensor_parallel_size))
    if request.backend == "ecs":
        return fitting[0]
    limit = 8 if fitting[0].gpu.interconnect == "nvlink" else PCIE_COMFORTABLE_RANKS
    return next((c for c in reversed(fitting) if c.tensor_parallel_size <= limit), fitting[0])
