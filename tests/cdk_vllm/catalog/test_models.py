"""Known models."""

from __future__ import annotations

import pytest

from cdk_vllm import catalog


@pytest.mark.parametrize(
    "name",
    [
        "Qwen/Qwen3-0.6B",
        "Qwen/Qwen3-8B",
        "Qwen/Qwen3-30B-A3B",
        "Qwen/Qwen3-235B-A22B",
        "Qwen/Qwen2.5-7B-Instruct",
        "meta-llama/Llama-3.1-8B-Instruct",
        "meta-llama/Llama-3.3-70B-Instruct",
        "meta-llama/Llama-3.1-405B",
        "mistralai/Mistral-Small-24B-Instruct-2501",
        "mistralai/Mistral-7B-Instruct-v0.3",
        "mistralai/Mixtral-8x7B-v0.1",
        "microsoft/phi-4",
        "meta-llama/Llama-2-7b-hf",
    ],
)
def test_a_model_is_known(name: str) -> None:
    model = catalog.models()[name]
    assert model.name == name
    assert model.source
    assert model.fields["hidden_size"] % 64 == 0


def test_quantized_checkpoints_are_left_out() -> None:
    assert len(catalog.models()) >= 20
    assert not [n for n in catalog.models() if "FP8" in n or "NVFP4" in n or "AWQ" in n]
