"""The picture of one GPU's memory."""

from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm.cli.memory_view import show
from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.one_gpu import answer, gpu_named


def draw(capsys: Any, model: str, gpu: str, **options: int) -> str:
    show(answer(model_shape(model), gpu_named(gpu), dict(options), "0.33.0"), model, gpu)
    out: str = capsys.readouterr().out
    return out


def test_every_term_has_a_line(capsys: Any) -> None:
    out = draw(capsys, "Qwen/Qwen3-32B", "H100", tensor_parallel_size=2)
    assert "on each of 2 H100" in out
    for term in ("weights", "activations", "outside PyTorch", "CUDA graphs", "KV cache"):
        assert f"■ {term}" in out
    assert "requests of 40,960 tokens at once" in " ".join(out.split())


@pytest.mark.parametrize("gpu", ["T4", "B200"])
def test_the_bar_is_never_longer_than_the_gpu(capsys: Any, gpu: str) -> None:
    out = draw(capsys, "Qwen/Qwen3-14B", gpu)
    assert out.count("█") + out.count("░") == 64
