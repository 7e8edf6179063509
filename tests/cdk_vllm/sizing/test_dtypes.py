"""bfloat16 from 8.0, float8 from 8.9."""

from __future__ import annotations

import pytest

from cdk_vllm import catalog
from cdk_vllm.sizing import dtypes, model_shape


@pytest.mark.parametrize(
    ("gpu", "options", "fine"),
    [
        ("T4", {"dtype": "bfloat16"}, False),
        ("T4", {"dtype": "float16"}, True),
        ("A10G", {"dtype": "bfloat16"}, True),
        ("A10G", {"kv_cache_dtype": "fp8"}, False),
        ("A100-80GB", {"kv_cache_dtype": "fp8_e4m3"}, False),
        ("L4", {"kv_cache_dtype": "fp8"}, True),
        ("H100", {"kv_cache_dtype": "fp8_e5m2"}, True),
        ("T4", {"dtype": "float16", "kv_cache_dtype": "auto"}, True),
    ],
)
def test_truth_table(gpu: str, options: dict[str, str], fine: bool) -> None:
    assert (dtypes.dtype_refusal(catalog.gpus()[gpu], options) is None) == fine


@pytest.mark.parametrize(
    ("model", "asked", "dtype"),
    [
        ("Qwen/Qwen3-8B", {}, "bfloat16"),
        ("Qwen/Qwen3-8B", {"dtype": "auto"}, "bfloat16"),
        ("Qwen/Qwen3-8B", {"dtype": "half"}, "float16"),
        ("meta-llama/Llama-2-7b-hf", {}, "float16"),
    ],
)
def test_the_users_dtype_is_over_the_checkpoints(
    model: str, asked: dict[str, str], dtype: str
) -> None:
    assert dtypes.weight_dtype(model_shape(model), asked) == dtype


@pytest.mark.parametrize(("asked", "size"), [({}, 2), ({"kv_cache_dtype": "fp8"}, 1)])
def test_element_bytes(asked: dict[str, str], size: int) -> None:
    assert dtypes.kv_cache_element_bytes(asked) == size
