"""Which GPUs have kernels for a model's attention over the KV cache that vLLM would give it.

Source: vLLM 0.33.0's v1/attention/backends (triton_attn.py, flashinfer.py) and backends/mla: the
sparse ones' `supports_compute_capability` and `supported_kv_cache_dtypes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.sizing.anatomy import Latent
from cdk_vllm.sizing.blueprint import anatomy_of, quantization_of_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.catalog import Gpu
    from cdk_vllm.sizing.plan import EngineValue, ModelShape

FLOAT8_FROM = (8, 9)  # below, only some backends unpack a float8 cache; no plan counts on them

# The caches that sparse MLA reads, by the generation of the GPU; none is compiled below 9.0.
SPARSE_CACHES: dict[int, frozenset[str]] = {
    9: frozenset({"auto", "float16", "bfloat16", "fp8", "fp8_ds_mla"}),
    10: frozenset({"auto", "float16", "bfloat16", "fp8", "fp8_e4m3", "fp8_ds_mla"}),
    12: frozenset({"auto", "fp8", "fp8_e4m3", "fp8_ds_mla"}),
}


def attention_refusal(
    shape: ModelShape, gpu: Gpu, options: Mapping[str, EngineValue]
) -> str | None:
    """Say why no attention kernel serves a model on a GPU, or return `None`."""
    cache = cache_dtype(shape, options)
    return _sparse_refusal(shape, gpu, cache) or _carried_refusal(gpu, cache, options)


def cache_dtype(shape: ModelShape, options: Mapping[str, EngineValue]) -> str:
    """Return the KV cache's dtype; a checkpoint that carries a float8 cache turns `auto` into it.

    Source: vLLM 0.33.0's utils/torch_utils.py.
    """
    asked = str(options.get("kv_cache_dtype", "auto"))
    quantization = quantization_of_shape(shape)
    carried = quantization is not None and quantization.kv_cache_fp8
    return "fp8_e4m3" if asked == "auto" and carried else asked


def _sparse_refusal(shape: ModelShape, gpu: Gpu, cache: str) -> str | None:
    layers = anatomy_of(shape).layers
    if not any(isinstance(each.mixer, Latent) and each.mixer.index_heads for each in layers):
        return None
    major, minor = gpu.compute_capability
    read = SPARSE_CACHES.get(major)
    if read is None:
        return (
            f"{gpu.name} has compute capability {major}.{minor}, and {shape.architecture}'s "
            "sparse attention needs 9.0"
        )
    if cache not in read:
        fix = "fp8" if cache.startswith("fp8") else "auto"
        return (
            f"{shape.architecture}'s sparse attention reads no KV cache in {cache} on {gpu.name}; "
            f'set engine.kv_cache_dtype = "{fix}"'
        )
    return None


def _carried_refusal(gpu: Gpu, cache: str, options: Mapping[str, EngineValue]) -> str | None:
    """Refuse a float8 cache that nobody asked for; `dtype_refusal` speaks of one that is asked."""
    asked = str(options.get("kv_cache_dtype", "auto")) != "auto"
    if asked or not cache.startswith("fp8") or gpu.compute_capability >= FLOAT8_FROM:
        return None
    major, minor = gpu.compute_capability
    plain = "bfloat16" if "bfloat16" in gpu.dtypes else "float16"
    return (
        f"{gpu.name} has compute capability {major}.{minor}, and the checkpoint's float8 KV cache "
        f'needs 8.9; set engine.kv_cache_dtype = "{plain}"'
    )
