"""Which tensor parallel sizes a model's dimensions allow."""

from __future__ import annotations

import pytest

from cdk_vllm.sizing import legal_tensor_parallel_sizes, model_shape
from cdk_vllm.sizing.parallelism import tensor_parallel_refusal


@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        ("Qwen/Qwen3-8B", (1, 2, 4, 8)),
        ("Qwen/Qwen2.5-7B-Instruct", (1, 2, 4)),  # 28 heads
        ("Qwen/Qwen2.5-0.5B-Instruct", (1, 2)),  # 14 heads
        ("Qwen/Qwen2.5-14B-Instruct", (1, 2, 4, 8)),  # 40 heads
        ("microsoft/phi-4", (1, 2)),  # 10 KV heads: 4 and 8 divide neither way
        ("Qwen/Qwen3-30B-A3B", (1, 2, 4, 8)),  # 4 KV heads are replicated on 8
    ],
)
def test_legal_sizes(model: str, sizes: tuple[int, ...]) -> None:
    assert legal_tensor_parallel_sizes(model_shape(model)) == sizes


@pytest.mark.parametrize(
    ("model", "size", "words"),
    [
        ("Qwen/Qwen3-8B", 3, "not one of 1, 2, 4 and 8"),
        ("Qwen/Qwen2.5-7B-Instruct", 8, "28 attention heads"),
        ("microsoft/phi-4", 4, "10 KV heads"),
    ],
)
def test_a_refusal_names_the_number(model: str, size: int, words: str) -> None:
    assert words in str(tensor_parallel_refusal(model_shape(model), size))
