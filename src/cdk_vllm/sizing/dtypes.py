"""Which number formats a GPU can run.

Source: vLLM 0.33.0's platforms/cuda.py: bfloat16 from compute capability 8.0, float8 from 8.9;
below that a float8 KV cache depends on the attention backend, so the rules refuse it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.sizing.blueprint import quantization_of_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.catalog import Gpu
    from cdk_vllm.sizing.plan import EngineValue, ModelShape

WEIGHT_DTYPES = {"bfloat16": "bfloat16", "float16": "float16", "half": "float16"}
KV_CACHE_BYTES = {
    "auto": 2,
    "bfloat16": 2,
    "float16": 2,
    "fp8": 1,
    "fp8_e4m3": 1,
    "fp8_e5m2": 1,
    "fp8_inc": 1,
    "fp8_ds_mla": 1,
}


def weight_dtype(shape: ModelShape, options: Mapping[str, EngineValue]) -> str:
    """Return `bfloat16` or `float16`: the user's `dtype`, or the checkpoint's own."""
    asked = str(options.get("dtype", "auto"))
    return WEIGHT_DTYPES.get(asked, shape.dtype)


def kv_cache_element_bytes(options: Mapping[str, EngineValue]) -> int:
    """Return the bytes of one element of the KV cache."""
    return KV_CACHE_BYTES[str(options.get("kv_cache_dtype", "auto"))]


def kv_cache_bytes(
    shape: ModelShape, options: Mapping[str, EngineValue], capability: tuple[int, int]
) -> int:
    """Return the bytes of one element of the KV cache as vLLM resolves `auto`.

    Source: vLLM 0.33.0's utils/torch_utils.py: a checkpoint that carries a float8 cache gets one;
    models/config.py: GLM-5 gets one on datacentre Blackwell.
    """
    if str(options.get("kv_cache_dtype", "auto")) != "auto":
        return kv_cache_element_bytes(options)
    quantization = quantization_of_shape(shape)
    wished = quantization is not None and quantization.kv_cache_fp8
    sparse = shape.architecture == "GlmMoeDsaForCausalLM" and capability[0] == 10
    return 1 if wished or sparse else 2


def dtype_refusal(gpu: Gpu, options: Mapping[str, EngineValue]) -> str | None:
    """Say why a GPU cannot run the engine's dtypes, or return `None`."""
    major, minor = gpu.compute_capability
    if options.get("dtype") == "bfloat16" and "bfloat16" not in gpu.dtypes:
        return (
            f"its {gpu.name} (compute capability {major}.{minor}) has no bfloat16, which needs "
            f'8.0; set engine.dtype = "half" to run the model in float16'
        )
    if kv_cache_element_bytes(options) == 1 and (major, minor) < (8, 9):
        return (
            f"its {gpu.name} (compute capability {major}.{minor}) has no float8, which "
            f"kv_cache_dtype {options['kv_cache_dtype']} needs from 8.9"
        )
    return None
