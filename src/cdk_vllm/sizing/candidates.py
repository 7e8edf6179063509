"""One instance type with one tensor parallel size: what it holds, what it costs, why it may not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.sizing import kv_cache
from cdk_vllm.sizing.dtypes import dtype_refusal
from cdk_vllm.sizing.engine_args import engine_args
from cdk_vllm.sizing.host_memory import host_memory_refusal, replicas_by_memory
from cdk_vllm.sizing.memory import MemoryBytes, memory_bytes
from cdk_vllm.sizing.parallelism import SIZES, legal_tensor_parallel_sizes, tensor_parallel_refusal
from cdk_vllm.sizing.pricing import ReplicaPrice, replica_price
from cdk_vllm.sizing.startup import startup_seconds
from cdk_vllm.sizing.units import GIB
from cdk_vllm.sizing.usable import utilization_refusal
from cdk_vllm.sizing.weights import checkpoint_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.catalog import Gpu, Instance
    from cdk_vllm.sizing.plan import EngineValue, ServingRequest

SAGEMAKER_MAX_STARTUP_SECONDS = 3600  # SageMaker's longest startup health check
PCIE_COMFORTABLE_RANKS = 4  # an all-reduce over 8 GPUs on PCIe costs about 0.1 ms, twice a layer


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An instance type and a tensor parallel size under a request; `reason` is why not, if so."""

    instance: Instance
    instance_type: str
    gpu: Gpu
    tensor_parallel_size: int
    replicas_per_instance: int
    engine_args: Mapping[str, EngineValue]
    memory: MemoryBytes
    startup_seconds: int
    price: ReplicaPrice
    reason: str | None

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
    request: ServingRequest, instance_type: str, instance: Instance
) -> list[Candidate]:
    """Return a candidate for each tensor parallel size that the model and the instance allow."""
    asked = request.engine.get("tensor_parallel_size")
    sizes = legal_tensor_parallel_sizes(request.shape) if asked is None else (int(asked),)
    return [
        candidate(request, instance_type, instance, size)
        for size in sizes
        if size <= instance.gpus and size in SIZES
    ]


def candidate(
    request: ServingRequest, instance_type: str, instance: Instance, tensor_parallel_size: int
) -> Candidate:
    """Return the candidate for a supported instance with at least that many GPUs."""
    gpu = catalog.gpus()[instance.gpu]
    arguments = engine_args(request, gpu, tensor_parallel_size)
    memory = memory_bytes(request.shape, request.workload, gpu, arguments)
    packed = replicas_per_instance(request, instance, tensor_parallel_size)
    return Candidate(
        instance=instance,
        instance_type=instance_type,
        gpu=gpu,
        tensor_parallel_size=tensor_parallel_size,
        replicas_per_instance=packed,
        engine_args=arguments,
        memory=memory,
        startup_seconds=startup_seconds(instance, checkpoint_bytes(request.shape)),
        price=replica_price(request, instance_type, packed),
        reason=refusal(request, instance, arguments, memory),
    )


def refusal(
    request: ServingRequest,
    instance: Instance,
    arguments: Mapping[str, EngineValue],
    memory: MemoryBytes,
) -> str | None:
    """Say why an instance does not hold the model under complete arguments, or return `None`."""
    gpu = catalog.gpus()[instance.gpu]
    ranks = int(arguments["tensor_parallel_size"])
    refusals = (
        region_refusal(request, instance),
        tensor_parallel_refusal(request.shape, ranks),
        dtype_refusal(gpu, arguments),
        utilization_refusal(gpu, float(arguments["gpu_memory_utilization"])),
        host_memory_refusal(instance, ranks),
        sagemaker_refusal(request, instance),
        kv_cache_refusal(request, gpu, ranks, memory),
    )
    return next((why for why in refusals if why), None)


def region_refusal(request: ServingRequest, instance: Instance) -> str | None:
    """Say that the request's region does not offer the instance, or return `None`."""
    name = instance.name if request.backend == "ecs" else str(instance.sagemaker)
    if catalog.is_offered(name, request.region) is False:
        return f"it is not offered in {request.region} ({catalog.availability_source()})"
    return None


def replicas_per_instance(
    request: ServingRequest, instance: Instance, tensor_parallel_size: int
) -> int:
    """Return how many replicas share an instance: on ECS as many as GPUs and memory hold."""
    if request.backend == "sagemaker":
        return 1
    by_memory = replicas_by_memory(instance, tensor_parallel_size)
    return max(1, min(instance.gpus // tensor_parallel_size, by_memory, request.max_replicas))


def sagemaker_refusal(request: ServingRequest, instance: Instance) -> str | None:
    """Say why SageMaker could not load the model onto the instance, or return `None`."""
    if request.backend != "sagemaker":
        return None
    weights_bytes = checkpoint_bytes(request.shape)
    disk_gb, startup = 1.1 * weights_bytes / 1e9, startup_seconds(instance, weights_bytes)
    if disk_gb > instance.local_nvme_gb:
        return f"its disk has {instance.local_nvme_gb} GB and the model needs {disk_gb:.0f}"
    if startup > SAGEMAKER_MAX_STARTUP_SECONDS:
        return (
            f"it would take up to {startup} s to start, and SageMaker waits at most "
            f"{SAGEMAKER_MAX_STARTUP_SECONDS}"
        )
    return None


def kv_cache_refusal(
    request: ServingRequest, gpu: Gpu, tensor_parallel_size: int, memory: MemoryBytes
) -> str | None:
    """Say by how much a GPU's memory is too small, or return `None`."""
    needed = kv_cache.needed_tokens(request.workload)
    if memory.blocks * kv_cache.BLOCK_TOKENS >= needed:
        return None
    overheads = memory.activation + memory.non_torch + memory.cuda_graphs
    each = "its" if tensor_parallel_size == 1 else f"each of {tensor_parallel_size}"
    taken = (
        f"of the {memory.usable / GIB:.2f} GiB vLLM may use on {each} {gpu.name}, "
        f"weights take {memory.weights / GIB:.2f} and overheads {overheads / GIB:.2f}"
    )
    if memory.kv_cache <= 0:
        return f"{taken}, which leaves nothing for the KV cache"
    return (
        f"{taken}; that leaves {memory.kv_cache / GIB:.2f} GiB for the KV cache, and {needed} "
        f"tokens need {memory.kv_cache_needed / GIB:.2f}"
    )


def best_of(request: ServingRequest, candidates: list[Candidate]) -> Candidate | None:
    """Return the candidate an instance would be used as: the one that fits, or the nearest miss.

    The fewest GPUs that fit, so that ECS can pack more replicas. SageMaker is paid by the whole
    instance, so it takes all GPUs that help: beyond four on PCIe only where fewer do not fit.
    """
    fitting = [c for c in candidates if c.reason is None]
    if not fitting:
        return min(candidates, key=lambda c: c.missing_bytes, default=None)
    if request.backend == "ecs":
        return fitting[0]
    limit = 8 if fitting[0].gpu.interconnect == "nvlink" else PCIE_COMFORTABLE_RANKS
    return next((c for c in reversed(fitting) if c.tensor_parallel_size <= limit), fitting[0])
