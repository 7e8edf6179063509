"""The activation peak against what vLLM's logs say it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm.sizing import activation, model_shape
from cdk_vllm.sizing.units import GIB

# What vLLM logged, with (0, 11)'s sampler: model, ranks, tokens a step, requests, GiB.
LOGGED = [
    ("Qwen/Qwen3-0.6B", 1, 8192, 1024, 5.56),
    ("Qwen/Qwen3-32B", 2, 8192, 1024, 5.64),
    ("meta-llama/Llama-3.1-8B-Instruct", 1, 8192, 1024, 4.76),
    ("openai/gpt-oss-20b", 1, 8192, 1024, 7.38),
    ("Qwen/Qwen3-Next-80B-A3B-Instruct", 2, 8192, 1024, 5.58),
    ("Qwen/Qwen3-235B-A22B-FP8", 8, 2048, 256, 1.40),
    ("Qwen/Qwen2.5-7B-Instruct", 1, 32768, 256, 4.35),
    ("Qwen/Qwen2.5-1.5B-Instruct", 1, 32768, 256, 2.02),
    ("Qwen/Qwen3-4B", 1, 10000, 1, 0.74),
]


@pytest.mark.parametrize(("model", "ranks", "batched", "seqs", "logged_gib"), LOGGED)
def test_the_peak_matches_the_logs(
    model: str, ranks: int, batched: int, seqs: int, logged_gib: float
) -> None:
    found = activation.activation_bytes(
        model_shape(model), ranks, batched, seqs, activation.SAMPLER_BYTES_PER_LOGIT_UP_TO_0_11
    )
    assert found / GIB == pytest.approx(logged_gib, rel=0.035)


def test_an_encoder_holds_its_outputs() -> None:
    shape = model_shape("mistralai/Mistral-Small-3.2-24B-Instruct-2506")
    text = activation.forward_bytes(shape, 1, 2048)
    assert activation.activation_bytes(shape, 1, 2048, 1) - text == 2048 * 5120 * 2


def test_a_rank_does_not_share_the_sampler() -> None:
    shape = model_shape("Qwen/Qwen3-32B")
    one, two = (activation.activation_bytes(shape, ranks, 8192, 1024) for ranks in (1, 2))
    assert one == two


def test_the_forward_pass_is_the_peak_of_few_requests() -> None:
    shape = model_shape("Qwen/Qwen3-4B")
    expected = 10000 * 2 * (3 * 9728 + 4 * 2560)
    assert activation.activation_bytes(shape, 1, 10000, 1) == expected


def test_experts_buffer_by_the_experts_of_a_token() -> None:
    shape = model_shape("Qwen/Qwen3-30B-A3B")
    expected = 1000 * 2 * (4 * 2048 + 8 * (3 * 768 // 2 + 2048))
    assert activation.forward_bytes(shape, 2, 1000) == expected


def test_no_more_requests_are_sampled_than_there_are_tokens() -> None:
    shape = model_shape("Qwen/Qwen3-8B")
    assert activation.sampler_bytes(shape, 16, 1024) == activation.sampler_bytes(shape, 16, 16)


@given(st.integers(1, 1024), st.integers(0, 1024), st.integers(1, 16384), st.integers(0, 16384))
def test_more_work_never_takes_less(seqs: int, more: int, batched: int, extra: int) -> None:
    shape = model_shape("Qwen/Qwen3-8B")
    small = activation.activation_bytes(shape, 1, batched, seqs)
    assert small <= activation.activation_bytes(shape, 1, batched + extra, seqs + more)
