"""A replica's speed under a workload: ranges for people, with what they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.sizing.blueprint import anatomy_of, quantization_of_shape
from cdk_vllm.sizing.dtypes import kv_cache_bytes
from cdk_vllm.sizing.plan import SecondsRange
from cdk_vllm.sizing.speed.formats import formats_of
from cdk_vllm.sizing.speed.latency import Load, latency, steps_of
from cdk_vllm.sizing.speed.work import Work, work_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.catalog import Gpu
    from cdk_vllm.sizing.plan import EngineValue, ModelShape, Workload

CALIBRATED = "calibrated"


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Seconds for each output token and until the first, and one replica's output tokens a second.

    `basis` is `calibrated`, or `uncalibrated` with the reason.
    """

    tpot: SecondsRange
    ttft: SecondsRange
    output_tokens_per_second: float
    basis: str


def speed(
    shape: ModelShape,
    workload: Workload,
    gpu: Gpu,
    engine_args: Mapping[str, EngineValue],
) -> Speed | None:
    """Return the predicted speed at the workload's concurrency, `None` for a GPU without facts."""
    if gpu.memory_bandwidth_gb_per_second is None or gpu.dense_tflops is None:
        return None
    ranks = int(engine_args["tensor_parallel_size"])
    work = _work(shape, ranks, kv_cache_bytes(shape, engine_args, gpu.compute_capability))
    load = Load(
        sequences=workload.concurrent_requests,
        prompt_tokens=workload.prompt_tokens,
        output_tokens=workload.output_tokens,
        max_num_batched_tokens=int(engine_args["max_num_batched_tokens"]),
    )
    tpot, ttft = latency(steps_of(work, gpu, load), gpu, load, catalog.speed_coefficients())
    outputs = max(1, workload.output_tokens)
    reason = uncalibrated(shape, gpu, engine_args)
    kind = "uncalibrated" if reason else "mixture" if work.experts else "dense"
    return Speed(
        tpot=_range(tpot, kind, "tpot"),
        ttft=_range(ttft, kind, "ttft"),
        output_tokens_per_second=round(load.sequences * outputs / (ttft + outputs * tpot), 1),
        basis=f"uncalibrated: {reason}" if reason else CALIBRATED,
    )


def uncalibrated(shape: ModelShape, gpu: Gpu, engine_args: Mapping[str, EngineValue]) -> str | None:
    """Say what about a deployment nobody has measured for us, or return `None`."""
    if gpu.name not in catalog.measured_gpus():
        return f"no measured run on {gpu.name} is known"
    quantization = quantization_of_shape(shape)
    kind = "16-bit"
    if quantization is not None:
        kind = quantization.scheme.kind if quantization.scheme else "mixed"
    if kind not in catalog.measured_formats():
        return f"no measured run with {kind} weights is known"
    if any(name.startswith(("speculative", "spec_")) for name in engine_args):
        return "no measured run with speculative decoding is known"
    return None


@lru_cache(maxsize=256)
def _work(shape: ModelShape, tensor_parallel_size: int, cache_bytes: int) -> Work:
    anatomy = anatomy_of(shape)
    formats = formats_of(anatomy, quantization_of_shape(shape))
    return work_of(anatomy, tensor_parallel_size, formats, cache_bytes)


def _range(seconds: float, kind: str, quantity: str) -> SecondsRange:
    low, high = catalog.speed_spread(kind, quantity)
    return SecondsRange(
        low=_digits(seconds * low), likely=_digits(seconds), high=_digits(seconds * high)
    )


def _digits(seconds: float) -> float:
    """Keep three digits; a prediction has no more."""
    return float(f"{seconds:.3g}")
