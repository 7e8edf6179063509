"""What vLLM refuses to split, and what a GPU has no kernels for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cdk_vllm import catalog
from cdk_vllm.sizing import model_shape, shape_from_config
from cdk_vllm.sizing.blueprint import config_of
from cdk_vllm.sizing.legality import experts_refusal, format_refusal, split_refusal
from cdk_vllm.sizing.modules import Parallel


@pytest.mark.parametrize(
    ("model", "tensor", "words"),
    [
        ("Qwen/Qwen3-8B", 8, None),
        ("Qwen/Qwen3-8B", 3, "32 attention heads"),
        ("microsoft/phi-4", 4, "10 KV heads"),
        ("deepseek-ai/DeepSeek-R1", 8, None),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", 8, None),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", 32, "16 recurrent key heads"),
        ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", 16, "8 Mamba groups"),
        ("Qwen/Qwen2.5-72B-Instruct-AWQ", 8, None),  # its MLP is padded to 29,696 for this
        ("Qwen/Qwen3-32B-FP8", 8, None),
    ],
)
def test_splits(model: str, tensor: int, words: str | None) -> None:
    found = split_refusal(model_shape(model), Parallel(tensor=tensor))
    assert words in str(found) if words else found is None


def test_a_block_of_fp8_is_not_cut() -> None:
    table = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    config = dict(config_of(model_shape("Qwen/Qwen2.5-1.5B-Instruct"))) | {
        "quantization_config": table
    }
    shape = shape_from_config(config)
    assert "blocks of 128" in str(split_refusal(shape, Parallel(tensor=4)))  # 8,960 / 4 = 2,240


def test_a_group_of_weights_is_not_cut() -> None:
    shape = model_shape("Qwen/Qwen2.5-72B-Instruct-AWQ")
    unpadded = shape_from_config(shape.config | {"intermediate_size": 29568})
    assert "groups of 128" in str(split_refusal(unpadded, Parallel(tensor=8)))


def test_whole_experts_need_not_divide() -> None:
    shape = shape_from_config(
        dict(config_of(model_shape("Qwen/Qwen3-30B-A3B"))) | {"moe_intermediate_size": 770}
    )
    assert "770 MLP columns" in str(split_refusal(shape, Parallel(tensor=4)))
    assert split_refusal(shape, Parallel(tensor=4, experts=True)) is None


def test_more_stages_than_layers_are_refused() -> None:
    assert "36 layers" in str(split_refusal(model_shape("Qwen/Qwen3-8B"), Parallel(pipeline=37)))


@pytest.mark.parametrize(
    ("model", "gpu", "words"),
    [
        ("Qwen/Qwen3-8B", "T4", None),
        ("google/gemma-3-27b-it", "T4", "overflows in float16"),
        ("google/gemma-3-27b-it", "A10G", None),
        ("openai/gpt-oss-20b", "T4", "mxfp4 weights need 8.0"),
        ("openai/gpt-oss-20b", "A100-80GB", None),
        ("Qwen/Qwen3-32B-FP8", "A100-80GB", None),  # weight-only
        ("Qwen/Qwen3-8B", "V100-32GB", "compiled for 7.5"),
    ],
)
def test_formats(model: str, gpu: str, words: str | None) -> None:
    found = format_refusal(model_shape(model), catalog.gpus()[gpu], (0, 33))
    assert words in str(found) if words else found is None


def test_bitsandbytes_is_gone() -> None:
    shape = replace(model_shape("microsoft/phi-4"), quantization="online:bitsandbytes")
    h100 = catalog.gpus()["H100"]
    assert "no longer" in str(format_refusal(shape, h100, (0, 33)))
    assert format_refusal(shape, h100, (0, 8)) is None


@pytest.mark.parametrize("method", ["modelopt", "fbgemm_fp8"])
def test_some_methods_of_float8_need_ampere(method: str) -> None:
    table = {"quant_method": method, "quant_algo": "FP8"}
    config = dict(config_of(model_shape("Qwen/Qwen3-8B"))) | {"quantization_config": table}
    shape, gpus = shape_from_config(config), catalog.gpus()
    assert "fp8 weights need 8.0" in str(format_refusal(shape, gpus["T4"], (0, 33)))
    assert format_refusal(shape, gpus["A10G"], (0, 33)) is None
    assert format_refusal(model_shape("Qwen/Qwen3-32B-FP8"), gpus["T4"], (0, 33)) is None


@pytest.mark.parametrize(
    ("gpu", "tensor", "inner", "refused"),
    [
        ("A100-80GB", 2, 768, False),
        ("A100-80GB", 4, 768, True),  # 192 columns in blocks of 128
        ("T4", 4, 768, True),
        ("L40S", 4, 768, False),  # in blocks of 64
        ("H100", 8, 768, False),
        ("H100", 8, 1408, True),  # 176 columns divide only into blocks of 16
    ],
)
def test_parts_of_float8_experts(gpu: str, tensor: int, inner: int, refused: bool) -> None:
    table = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    config = dict(config_of(model_shape("Qwen/Qwen3-30B-A3B"))) | {
        "quantization_config": table,
        "moe_intermediate_size": inner,
    }
    shape, parallel = shape_from_config(config), Parallel(tensor=tensor)
    found = experts_refusal(shape, catalog.gpus()[gpu], parallel)
    assert (found is not None) is refused
    whole = Parallel(tensor=tensor, experts=True)
    assert experts_refusal(shape, catalog.gpus()[gpu], whole) is None
