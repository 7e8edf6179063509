"""Which GPUs have kernels for a model's attention and KV cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm import catalog
from cdk_vllm.sizing import model_shape, shape_from_config
from cdk_vllm.sizing.attention_support import attention_refusal, cache_dtype
from cdk_vllm.sizing.blueprint import config_of

if TYPE_CHECKING:
    from cdk_vllm.sizing.plan import ModelShape

CARRIED = {"quant_method": "modelopt", "quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8"}


def with_float8_cache(model: str) -> ModelShape:
    """Return a model as NVIDIA's checkpoints have it, with a float8 KV cache of its own."""
    return shape_from_config(dict(config_of(model_shape(model))) | {"quantization_config": CARRIED})


def sparse(**changes: Any) -> ModelShape:
    """Return a DeepSeek whose latent attention has an indexer."""
    config = dict(config_of(model_shape("deepseek-ai/DeepSeek-R1")))
    indexer = {"index_n_heads": 64, "index_head_dim": 128, "index_topk": 2048}
    return shape_from_config(
        config | {"architectures": ["DeepseekV32ForCausalLM"]} | indexer | changes
    )


def said(shape: ModelShape, gpu: str, cache: str = "auto") -> str | None:
    return attention_refusal(shape, catalog.gpus()[gpu], {"kv_cache_dtype": cache})


@pytest.mark.parametrize(
    ("gpu", "words"),
    [
        ("T4", 'float8 KV cache needs 8.9; set engine.kv_cache_dtype = "float16"'),
        ("A10G", 'float8 KV cache needs 8.9; set engine.kv_cache_dtype = "bfloat16"'),
        ("L40S", None),
        ("H100", None),
    ],
)
def test_a_float8_cache_that_a_checkpoint_carries(gpu: str, words: str | None) -> None:
    found = said(with_float8_cache("Qwen/Qwen3-8B"), gpu)
    assert words in str(found) if words else found is None


def test_another_cache_may_be_asked_for() -> None:
    shape = with_float8_cache("Qwen/Qwen3-8B")
    assert cache_dtype(shape, {}) == "fp8_e4m3"
    assert said(shape, "T4", "float16") is None


@pytest.mark.parametrize("gpu", ["T4", "A10G", "A100-80GB", "L4", "L40S"])
def test_sparse_attention_is_compiled_from_hopper_on(gpu: str) -> None:
    assert "sparse attention needs 9.0" in str(said(sparse(), gpu))


@pytest.mark.parametrize(
    ("gpu", "cache", "refused"),
    [
        ("H100", "auto", False),
        ("H100", "fp8", False),
        ("H100", "fp8_e4m3", True),
        ("B200", "fp8_e4m3", False),
        ("H200", "fp8_e5m2", True),
    ],
)
def test_the_caches_that_sparse_attention_reads(gpu: str, cache: str, refused: bool) -> None:
    assert ("reads no KV cache in" in str(said(sparse(), gpu, cache))) is refused


def test_a_sparse_checkpoint_with_a_float8_cache_is_blackwells() -> None:
    shape = sparse(quantization_config=CARRIED)
    assert 'set engine.kv_cache_dtype = "fp8"' in str(said(shape, "H100"))
    assert said(shape, "B200") is None


def test_attention_that_is_not_sparse_runs_anywhere() -> None:
    assert said(model_shape("deepseek-ai/DeepSeek-R1"), "A100-80GB") is None
