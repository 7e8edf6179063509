"""quantization_config as vLLM reads it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest

from cdk_vllm.errors import InputError
from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.blueprint import quantization_of_shape
from cdk_vllm.sizing.quantization import Quantization, quantization_of

UP, QKV = "model.layers.3.mlp.gate_up_proj", "model.layers.3.self_attn.qkv_proj"
PARTS = {UP: ("gate_proj", "up_proj"), QKV: ("q_proj", "k_proj", "v_proj")}


def read(**table: Any) -> Quantization:
    found = quantization_of(table)
    assert found is not None
    return found


def compressed(**weights: Any) -> dict[str, Any]:
    return {"quant_method": "compressed-tensors", "config_groups": {"0": {"weights": weights}}}


@pytest.mark.parametrize(
    ("table", "kind", "bits", "scale"),
    [
        ({"quant_method": "fp8"}, "fp8", 8, "tensor"),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8", 8, "block"),
        ({"quant_method": "fbgemm_fp8"}, "fp8", 8, "channel"),
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, "int", 4, "group"),
        ({"quant_method": "gptq", "bits": 8, "group_size": -1}, "int", 8, "group"),
        ({"quant_method": "mxfp4"}, "mxfp4", 4, "group"),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, "fp8", 8, "tensor"),
        ({"quantization": {"quant_algo": "NVFP4", "group_size": 16}}, "nvfp4", 4, "group"),
        (compressed(num_bits=8, type="float", strategy="channel"), "fp8", 8, "channel"),
        (compressed(num_bits=8, type="float", strategy="block"), "fp8", 8, "block"),
        (compressed(num_bits=4, type="float", group_size=16), "nvfp4", 4, "group"),
        (compressed(num_bits=4, type="int", group_size=32), "int", 4, "group"),
    ],
)
def test_methods(table: dict[str, Any], kind: str, bits: int, scale: str) -> None:
    scheme = read(**table).scheme
    assert scheme is not None
    assert (scheme.kind, scheme.bits, scheme.scale) == (kind, bits, scale)


def test_no_table_is_no_quantization() -> None:
    assert quantization_of(None) is None
    assert quantization_of({}) is None


@pytest.mark.parametrize(
    ("table", "excluded"),
    [
        ({"quant_method": "fp8"}, set()),
        ({"quant_method": "fp8", "modules_to_not_convert": ["model.layers.30.mlp"]}, set()),
        (
            {"quant_method": "fbgemm_fp8", "modules_to_not_convert": [
                f"model.layers.3.self_attn.{part}" for part in PARTS[QKV]]},
            {QKV},
        ),
        ({"quant_method": "awq", "modules_to_not_convert": ["self_attn"]}, {QKV}),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4",
          "ignore": ["model.layers.3.self_attn*", "lm_head"]}, {QKV}),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4",
          "ignore": ["model.language_model.layers.3.mlp*"]}, {UP}),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4",
          "ignore": ["model.layers.30*"]}, set()),
        (compressed(num_bits=4, type="int", group_size=32) | {"ignore": ["re:.*self_attn.*"]},
         {QKV}),
        (compressed(num_bits=4, type="int", group_size=32)
         | {"ignore": [r"re:.*mlp\.(gate|up|gate_up|down)_proj.*", "re:("]}, {UP}),
    ],
)  # fmt: skip
def test_exclude_lists(table: dict[str, Any], excluded: set[str]) -> None:
    quantization = read(**table)
    found = {name for name, parts in PARTS.items() if quantization.scheme_of(name, parts) is None}
    assert found == excluded


@pytest.mark.parametrize("pattern", ["a.b*", "a.*", "*", "*.b", "a.[bc]*", "a?b*", "a*b*", "a.b.*"])
def test_wildcards_match_as_those_of_file_names_do(pattern: str) -> None:
    table = compressed(num_bits=4, type="int", group_size=32) | {"ignore": [pattern]}
    for name in ("a.b", "a.b.c", "a.bc", "a.c", "xa.b", "a.x.b", "a.xb"):
        expected = any(fnmatchcase(name, each) for each in (pattern, f"{pattern}.*"))
        assert (read(**table).scheme_of(name) is None) is expected, name


def test_mxfp4_is_the_experts_alone() -> None:
    quantization = quantization_of_shape(model_shape("openai/gpt-oss-20b"))
    assert quantization is not None
    assert quantization.scheme_of(QKV, PARTS[QKV]) is None
    assert quantization.scheme_of_experts("model.layers.0.mlp.experts") is not None


def test_mixed_precision_names_each_module() -> None:
    quantization = quantization_of_shape(
        model_shape("nvidia/NVIDIA-Nemotron-3.5-Lightning-30B-A3B-NVFP4")
    )
    assert quantization is not None
    experts = quantization.scheme_of_experts("model.layers.1.mixer.experts")
    mixer = quantization.scheme_of("model.layers.0.mixer.in_proj")
    assert experts is not None
    assert mixer is not None
    assert (experts.kind, mixer.kind) == ("nvfp4", "fp8")
    assert quantization.kv_cache_fp8


def test_modelopt_quantizes_the_head_unless_it_is_excluded() -> None:
    table = {"quant_method": "modelopt", "quant_algo": "FP8"}
    assert read(**table).scheme_of_head() is not None
    assert read(**table, exclude_modules=["lm_head"]).scheme_of_head() is None
    assert read(quant_method="fp8").scheme_of_head() is None


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"quant_method": "magic"}, "quant_method is 'magic'"),
        ({"quant_method": "modelopt", "quant_algo": "FP2"}, "quant_algo is 'FP2'"),
        ({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"}, "quantized_layers"),
        ({"quant_method": "awq", "group_size": "wide"}, "group_size must be a whole number"),
        ({"quant_method": "fp8", "weight_block_size": ["a"]}, "weight_block_size"),
        ({"quant_method": "gptq", "lm_head": True}, "lm_head is true"),
        ({"quant_method": "compressed-tensors"}, "lacks config_groups"),
        ({"quant_method": "compressed-tensors", "config_groups": {"0": {}}}, "lack weights"),
    ],
)
def test_what_is_not_known_is_refused(table: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        quantization_of(table)
