"""The time of one engine step: a roofline over what the step reads and computes.

    memory = bytes / (bandwidth * bandwidth_efficiency)
    math   = flops / (peak * compute_efficiency)
    step   = sqrt(memory^2 + math^2) + kernels * kernel_seconds + sequences * sequence_seconds
             + all_reduces * (log2(ranks) * all_reduce_seconds + message time)

The experts a step touches are `E * (1 - (1 - k/E)^tokens)`. Coefficients and their fit: the
catalogue's speed.toml.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cdk_vllm.catalog import Gpu, SpeedCoefficients
    from cdk_vllm.sizing.speed.work import Work

NVLINK_SHARE = 0.35  # one direction is half of the sum that is sold, and 0.7 of it is reached
PCIE_BYTES_PER_SECOND = 20e9  # PCIe 4.0 x16 moves 32 GB/s at best
ELEMENT_BYTES = 2
NARROW = {4: ("float4", 4.0), 8: ("float8", 2.0)}


@dataclass(frozen=True, slots=True)
class Step:
    """A step's demands on one rank, before anybody says how efficiently they are met."""

    bytes_read: float
    math_seconds_16_bit: float
    math_seconds_narrow: float
    kernels: int
    latencies: float
    message_seconds: float
    sequences: float


def step_of(
    work: Work,
    gpu: Gpu,
    sequences: float,
    context: float,
    *,
    prefill: float = 0.0,
    data_parallel_size: int = 1,
) -> Step:
    """Return a step that decodes `sequences` and prefills `prefill` tokens on one rank.

    `context` is what a sequence has behind it, in tokens. With data parallel attention every rank
    decodes `sequences` of its own, while the experts see all of them.
    """
    tokens = sequences + prefill
    routed = sequences * data_parallel_size + prefill
    peak = (gpu.dense_tflops or 1.0) * 1e12
    flops = {bits: tokens * each for bits, each in work.flops.items()}
    flops[work.expert_bits] += routed * work.expert_flops
    flops[16] += sequences * work.head_flops + _attention_flops(work, sequences, context, prefill)
    narrow = sum(flops[bits] / (peak * speed_up(gpu, bits)) for bits in (4, 8))
    return Step(
        bytes_read=_bytes_read(work, sequences, context, routed),
        math_seconds_16_bit=flops[16] / peak,
        math_seconds_narrow=narrow,
        kernels=work.kernels,
        latencies=work.all_reduces * log2(work.ranks),
        message_seconds=work.all_reduces * _message_seconds(work, gpu, tokens),
        sequences=sequences,
    )


def step_seconds(step: Step, gpu: Gpu, coefficients: SpeedCoefficients) -> float:
    """Return the time of a step."""
    bandwidth = (gpu.memory_bandwidth_gb_per_second or 1) * 1e9
    memory = step.bytes_read / (bandwidth * coefficients.bandwidth_efficiency)
    math = (
        step.math_seconds_16_bit / coefficients.compute_efficiency_16_bit
        + step.math_seconds_narrow / coefficients.compute_efficiency
    )
    return (
        hypot(memory, math)
        + step.kernels * coefficients.kernel_seconds
        + step.sequences * coefficients.sequence_seconds
        + step.latencies * coefficients.all_reduce_seconds[gpu.interconnect]
        + step.message_seconds
    )


def speed_up(gpu: Gpu, bits: int) -> float:
    """Return how much faster than 16-bit a GPU multiplies, 1 where it only unpacks weights."""
    dtype, factor = NARROW.get(bits, ("", 1.0))
    return factor if dtype in gpu.dtypes else 1.0


def _attention_flops(work: Work, sequences: float, context: float, prefill: float) -> float:
    """Every decoding token looks at its context, a prefilled one at half of its prompt."""
    total = 0.0
    for read in work.cache:
        seen = context if read.window is None else min(context, read.window)
        half = prefill / 2 if read.window is None else min(prefill / 2, read.window)
        total += sequences * seen * read.flops_per_token
        total += prefill * half * read.prefill_flops_per_token
    return total


def _bytes_read(work: Work, sequences: float, context: float, routed: float) -> float:
    cache = sum(
        read.bytes_per_token * (context if read.window is None else min(context, read.window))
        for read in work.cache
    )
    touched = 1 - (1 - work.top_k / work.experts) ** routed if work.experts else 0.0
    return (
        work.resident_bytes
        + work.head_bytes
        + touched * work.expert_bytes
        + sequences * (cache + work.state_bytes)
    )


def _message_seconds(work: Work, gpu: Gpu, tokens: float) -> float:
    if work.ranks == 1:
        return 0.0
    sold = gpu.interconnect_gb_per_second
    rate = PCIE_BYTES_PER_SECOND if sold is None else sold * 1e9 * NVLINK_SHARE
    share = 2 * (work.ranks - 1) / work.ranks
    return tokens * work.hidden * ELEMENT_BYTES * share / rate
