"""A steady load."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdk_vllm import catalog
from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.blueprint import anatomy_of
from cdk_vllm.sizing.speed.latency import Latency, Load, latency, steps_of
from cdk_vllm.sizing.speed.work import work_of

H100 = catalog.gpus()["H100"]
WORK = work_of(anatomy_of(model_shape("Qwen/Qwen3-8B")), 1)


def of(sequences: float, prompt: int = 1000, output: int = 500, batched: int = 8192) -> Latency:
    load = Load(sequences, prompt, output, batched)
    return latency(steps_of(WORK, H100, load), H100, load, catalog.speed_coefficients())


def test_alone_a_request_waits_for_its_own_prefill_only() -> None:
    load = Load(1, 1000, 500, 8192)
    steps = steps_of(WORK, H100, load)
    assert steps.chunks == 1
    alone = of(1)
    assert alone.ttft_seconds < 0.1
    assert 1 / alone.tpot_seconds == pytest.approx(150, rel=0.25)  # tokens a second


def test_a_long_prompt_takes_several_chunks() -> None:
    assert steps_of(WORK, H100, Load(1, 20_000, 10, 8192)).chunks == 3
    assert of(1, prompt=16_000).ttft_seconds > 10 * of(1, prompt=1000).ttft_seconds


@settings(max_examples=60, deadline=None)
@given(
    sequences=st.integers(1, 512),
    more=st.integers(0, 512),
    prompt=st.integers(1, 100_000),
    output=st.integers(1, 8192),
)
def test_company_never_makes_anybody_faster(
    sequences: int, more: int, prompt: int, output: int
) -> None:
    few, many = of(sequences, prompt, output), of(sequences + more, prompt, output)
    assert few.tpot_seconds <= many.tpot_seconds * 1.001
    assert few.ttft_seconds <= many.ttft_seconds
