"""One engine step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cdk_vllm import catalog
from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.blueprint import anatomy_of
from cdk_vllm.sizing.speed.step import speed_up, step_of, step_seconds
from cdk_vllm.sizing.speed.work import CacheRead, work_of

H100, L40S, B200 = (catalog.gpus()[name] for name in ("H100", "L40S", "B200"))
COEFFICIENTS = catalog.speed_coefficients()
WORK = work_of(anatomy_of(model_shape("Qwen/Qwen3-8B")), 1)


def test_one_sequence_reads_the_weights_and_its_cache() -> None:
    step = step_of(WORK, H100, 1, 1000)
    weights = WORK.resident_bytes + WORK.head_bytes
    assert step.bytes_read == weights + 1000 * 36 * 2 * 8 * 128 * 2
    ideal = step.bytes_read / 3350e9
    assert ideal < step_seconds(step, H100, COEFFICIENTS) < 2 * ideal


def test_a_slower_memory_is_slower() -> None:
    times = [
        step_seconds(step_of(WORK, gpu, 8, 2000), gpu, COEFFICIENTS) for gpu in (B200, H100, L40S)
    ]
    assert times == sorted(times)


def test_a_long_prefill_is_bound_by_arithmetic() -> None:
    step = step_of(WORK, H100, 1, 1000, prefill=8192)
    assert step.math_seconds_16_bit > step.bytes_read / 3350e9
    seconds = step_seconds(step, H100, COEFFICIENTS)
    assert seconds > 8192 * 2 * 7e9 / 989e12


def test_a_batch_touches_more_experts_but_never_all_twice() -> None:
    work = work_of(anatomy_of(model_shape("Qwen/Qwen3-30B-A3B")), 1)
    read = [step_of(work, H100, batch, 0).bytes_read for batch in (1, 8, 64, 4096)]
    assert read == sorted(read)
    touched = read[0] - work.resident_bytes - work.head_bytes
    assert touched == pytest.approx(work.expert_bytes * 8 / 128)
    assert read[-1] == pytest.approx(work.resident_bytes + work.head_bytes + work.expert_bytes)


def test_a_window_bounds_what_is_read() -> None:
    read = CacheRead(bytes_per_token=100, flops_per_token=0, prefill_flops_per_token=0, window=128)
    work = replace(WORK, cache=[read])
    near, far = (step_of(work, H100, 1, context).bytes_read for context in (128, 100_000))
    assert near == far


def test_all_reduces_cost_more_on_pcie() -> None:
    work = work_of(anatomy_of(model_shape("Qwen/Qwen3-8B")), 4)
    step = step_of(work, L40S, 1, 1000)
    linked = replace(L40S, interconnect="nvlink")
    slow, fast = (step_seconds(step, gpu, COEFFICIENTS) for gpu in (L40S, linked))
    assert slow - fast == pytest.approx(36 * 2 * 2 * (33e-6 - 5.4e-6), rel=0.1)


@pytest.mark.parametrize(
    ("gpu", "bits", "factor"), [("H100", 8, 2), ("H100", 4, 1), ("B200", 4, 4), ("A10G", 8, 1)]
)
def test_narrow_arithmetic_is_faster_where_it_is_native(gpu: str, bits: int, factor: float) -> None:
    assert speed_up(catalog.gpus()[gpu], bits) == factor
