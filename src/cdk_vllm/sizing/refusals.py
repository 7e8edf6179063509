"""Why an instance type does not answer a request: one clause each, with the arithmetic in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.sizing.attention_support import attention_refusal
from cdk_vllm.sizing.dtypes import dtype_refusal
from cdk_vllm.sizing.engine_version import parse_version
from cdk_vllm.sizing.host_memory import host_memory_refusal
from cdk_vllm.sizing.legality import experts_refusal, format_refusal
from cdk_vllm.sizing.memory import parallel_of
from cdk_vllm.sizing.parallelism import tensor_parallel_refusal
from cdk_vllm.sizing.speed.estimate import speed
from cdk_vllm.sizing.startup import disk_refusal, load_of, startup_seconds
from cdk_vllm.sizing.units import GIB
from cdk_vllm.sizing.usable import utilization_refusal
from cdk_vllm.sizing.weights import checkpoint_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.catalog import Gpu, Instance
    from cdk_vllm.sizing.memory import MemoryBytes
    from cdk_vllm.sizing.plan import EngineValue, ModelShape, ServingRequest, Workload
    from cdk_vllm.sizing.speed.estimate import Speed

SAGEMAKER_MAX_STARTUP_SECONDS = 3600  # SageMaker's longest startup health check


def refusal(
    request: ServingRequest,
    workload: Workload,
    instance: Instance,
    arguments: Mapping[str, EngineValue],
    memory: MemoryBytes,
) -> str | None:
    """Say why an instance does not carry a workload under complete arguments, or return `None`."""
    gpu = catalog.gpus()[instance.gpu]
    predicted = speed(request.shape, workload, gpu, arguments) if _has_targets(request) else None
    return (
        illegal(request, gpu, arguments)
        or instance_refusal(request, instance, int(arguments["tensor_parallel_size"]))
        or too_small(workload, gpu, int(arguments["tensor_parallel_size"]), memory)
        or too_slow(request, workload, predicted)
    )


def illegal(request: ServingRequest, gpu: Gpu, arguments: Mapping[str, EngineValue]) -> str | None:
    """Say what vLLM would not start with on a GPU, or return `None`."""
    return (
        tensor_parallel_refusal(request.shape, int(arguments["tensor_parallel_size"]))
        or gpu_refusal(request.shape, gpu, arguments, parse_version(request.vllm_version))
        or utilization_refusal(gpu, float(arguments["gpu_memory_utilization"]))
    )


def gpu_refusal(
    shape: ModelShape, gpu: Gpu, arguments: Mapping[str, EngineValue], vllm: tuple[int, int]
) -> str | None:
    """Say what of a model or of its KV cache a GPU has no kernels for, or return `None`."""
    return (
        format_refusal(shape, gpu, vllm)
        or experts_refusal(shape, gpu, parallel_of(arguments))
        or dtype_refusal(gpu, arguments)
        or attention_refusal(shape, gpu, arguments)
    )


def instance_refusal(
    request: ServingRequest, instance: Instance, tensor_parallel_size: int
) -> str | None:
    """Say what about the machine around the GPUs is not there or too small, or return `None`."""
    return (
        region_refusal(request, instance)
        or host_memory_refusal(instance, tensor_parallel_size)
        or load_refusal(request, instance)
        or sagemaker_refusal(request, instance)
    )


def region_refusal(request: ServingRequest, instance: Instance) -> str | None:
    """Say that the request's region does not offer the instance, or return `None`."""
    name = instance.name if request.backend == "ecs" else str(instance.sagemaker)
    if catalog.is_offered(name, request.region) is False:
        return f"it is not offered in {request.region} ({catalog.availability_source()})"
    return None


def load_refusal(request: ServingRequest, instance: Instance) -> str | None:
    """Say why the instance cannot load the model the way the request asks, or return `None`."""
    if request.load != "disk" or request.backend == "sagemaker":
        return None
    return disk_refusal(instance, checkpoint_bytes(request.shape))


def sagemaker_refusal(request: ServingRequest, instance: Instance) -> str | None:
    """Say why SageMaker could not load the model onto the instance, or return `None`."""
    if request.backend != "sagemaker":
        return None
    weights_bytes = checkpoint_bytes(request.shape)
    disk_gb = 1.1 * weights_bytes / 1e9
    startup = startup_seconds(load_of(instance, weights_bytes, backend="sagemaker"))
    if disk_gb > instance.local_nvme_gb:
        return f"its disk has {instance.local_nvme_gb} GB and the model needs {disk_gb:.0f}"
    if startup > SAGEMAKER_MAX_STARTUP_SECONDS:
        return (
            f"it would take up to {startup} s to start, and SageMaker waits at most "
            f"{SAGEMAKER_MAX_STARTUP_SECONDS}"
        )
    return None


def too_small(
    workload: Workload, gpu: Gpu, tensor_parallel_size: int, memory: MemoryBytes
) -> str | None:
    """Say by how much a GPU's memory is too small, or return `None`."""
    if memory.holds_workload:
        return None
    usable, weights = memory.usable / GIB, memory.weights / GIB
    overheads = (memory.activation + memory.non_torch + memory.cuda_graphs) / GIB
    each = f"one {gpu.name}" if tensor_parallel_size == 1 else (
        f"each of {tensor_parallel_size} {gpu.name}"
    )  # fmt: skip
    if memory.weights > memory.usable:
        return f"it needs {weights:.2f} GiB of weights, and {usable:.2f} GiB are usable on {each}"
    taken = (
        f"of {usable:.2f} GiB usable on {each}, weights take {weights:.2f} and overheads "
        f"{overheads:.2f}"
    )
    if memory.kv_cache <= 0:
        return f"{taken}, which leaves nothing for the KV cache"
    return (
        f"{taken}; that leaves {memory.kv_cache / GIB:.2f} GiB for the KV cache, and "
        f"{_demand(workload)} {memory.kv_cache_needed / GIB:.2f}"
    )


def _demand(workload: Workload) -> str:
    """Say what the KV cache must hold: all requests at once, or one of the longest."""
    tokens, count = workload.prompt_tokens + workload.output_tokens, workload.concurrent_requests
    if count * tokens < workload.max_model_len:
        return f"one request of {workload.max_model_len:,} tokens needs, with a tenth to spare,"
    if count == 1:
        return f"one request of {tokens:,} tokens needs, with a tenth to spare,"
    return f"{count} requests of {tokens:,} tokens need, with a tenth to spare,"


def too_slow(request: ServingRequest, workload: Workload, predicted: Speed | None) -> str | None:
    """Say which target the slow end of the predicted range misses, or return `None`."""
    if not _has_targets(request):
        return None
    if predicted is None:
        return "nobody has published how fast its memory is, so that no target can be promised"
    count = workload.concurrent_requests
    at_once = "with one request at a time" if count == 1 else f"with {count} requests at once"
    for name, target, found in (
        ("output token", request.tpot_seconds, predicted.tpot),
        ("first token", request.ttft_seconds, predicted.ttft),
    ):
        if target is not None and found.high > target:
            return (
                f"{at_once} each {name} takes {_seconds(found.low)} to {_seconds(found.high)} "
                f"({predicted.basis}), above the target of {_seconds(target)}"
            )
    return None


def _has_targets(request: ServingRequest) -> bool:
    return request.tpot_seconds is not None or request.ttft_seconds is not None


def _seconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
