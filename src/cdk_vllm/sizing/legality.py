"""What vLLM would refuse: a split that does not divide, a format that a GPU has no kernels for.

Source: vLLM 0.33.0's layers/linear.py, layers/quantization (`get_min_capability`, fp8_utils.py,
marlin_utils.py), layers/mamba, and config/model.py.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

from cdk_vllm.sizing.anatomy import Attention, Dense, Latent, Recurrent
from cdk_vllm.sizing.blueprint import anatomy_of, quantization_of_shape
from cdk_vllm.sizing.modules import Experts, Matrix, Parallel, layer_modules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.catalog import Gpu
    from cdk_vllm.sizing.anatomy import Layer, Mixture
    from cdk_vllm.sizing.plan import ModelShape
    from cdk_vllm.sizing.quantization import Quantization, Scheme

# The lowest compute capability with kernels for a format, native or weight-only.
MINIMUM_CAPABILITY: dict[str, tuple[int, int]] = {
    "fp8": (7, 5),
    "int8": (7, 5),
    "int": (7, 5),
    "nf4": (7, 0),
    "nvfp4": (7, 5),
    "mxfp4": (8, 0),
    "mxfp8": (8, 0),
}
FP8_BY_METHOD = {"modelopt": (8, 0), "fbgemm_fp8": (8, 0)}  # methods that ask more of a GPU for fp8
FINER_BLOCKS_FROM, FINEST_BLOCK = (8, 9), 32  # kernels for finer blocks than the checkpoint's
WHEELS_FROM = (7, 5)  # what vLLM's wheels are compiled for since 0.14
BITSANDBYTES_UNTIL = (0, 31)

# Models that overflow in float16, which is all that GPUs before Ampere have beside float32.
NO_FLOAT16 = ("Gemma2", "Gemma3", "Glm4ForCausalLM")


def split_refusal(shape: ModelShape, parallel: Parallel) -> str | None:
    """Say why a model cannot be split so, or return `None`."""
    anatomy = anatomy_of(shape)
    layers = len(anatomy.layers)
    if parallel.pipeline > layers:
        return f"{layers} layers are fewer than pipeline_parallel_size {parallel.pipeline}"
    if parallel.tensor == 1:
        return None
    for layer in dict.fromkeys(anatomy.layers):
        if why := _layer_refusal(layer, parallel):
            return why
    return _quantization_refusal(shape, parallel)


def _layer_refusal(layer: Layer, parallel: Parallel) -> str | None:
    size = parallel.tensor
    for name, value in _divided(layer, parallel):
        if value % size:
            return f"{value} {name} do not divide by tensor_parallel_size {size}"
    mixer = layer.mixer
    if isinstance(mixer, Attention) and mixer.kv_heads % size and size % mixer.kv_heads:
        return (
            f"{mixer.kv_heads} KV heads and tensor_parallel_size {size} do not divide one another"
        )
    grouped = isinstance(mixer, Recurrent) and mixer.kind == "mamba2" and mixer.groups > 1
    if isinstance(mixer, Recurrent) and grouped and mixer.groups % size:
        return f"{mixer.groups} Mamba groups do not divide by tensor_parallel_size {size}"
    return None


def _divided(layer: Layer, parallel: Parallel) -> Iterator[tuple[str, int]]:
    mixer = layer.mixer
    if isinstance(mixer, Attention | Latent):
        yield "attention heads", mixer.heads
    elif isinstance(mixer, Recurrent):
        yield "recurrent channels", mixer.inner
        if mixer.kind != "mamba":
            yield "recurrent heads", mixer.heads
        if mixer.kind == "delta":
            yield "recurrent key heads", mixer.groups
    for mlp in layer.mlps:
        yield from _mlp_divided(mlp, parallel)


def _mlp_divided(mlp: Dense | Mixture, parallel: Parallel) -> Iterator[tuple[str, int]]:
    if isinstance(mlp, Dense):
        yield "MLP columns", mlp.inner
        return
    if not parallel.experts:
        yield "MLP columns", mlp.inner
    if mlp.shared:
        yield "shared experts' columns", mlp.shared


def _quantization_refusal(shape: ModelShape, parallel: Parallel) -> str | None:
    """Say which matrix a quantization's blocks or groups do not divide, or return `None`."""
    quantization = quantization_of_shape(shape)
    if quantization is None:
        return None
    anatomy = anatomy_of(shape)
    whole = Parallel()
    for layer in dict.fromkeys(anatomy.layers):
        pairs = zip(
            layer_modules(layer, 0, anatomy.hidden, parallel),
            layer_modules(layer, 0, anatomy.hidden, whole),
            strict=True,
        )
        for part, unsplit in pairs:
            if isinstance(part, Matrix) and isinstance(unsplit, Matrix) and not part.plain:
                scheme = quantization.scheme_of(part.name, part.parts)
                why = _block_refusal(part, unsplit, scheme) if scheme else None
                if why:
                    return f"{why} under tensor_parallel_size {parallel.tensor}"
    return None


def _block_refusal(part: Matrix, whole: Matrix, scheme: Scheme) -> str | None:
    name = part.name.rpartition(".")[2]
    rows_split = part.rows != whole.rows
    columns_split = part.columns != whole.columns
    group = scheme.group
    if scheme.scale == "block":
        if rows_split and any(rows % group for rows in part.rows):
            return f"{name}'s {min(part.rows)} rows do not divide into blocks of {group}"
        if columns_split and part.columns % group:
            return f"{name}'s {part.columns} columns do not divide into blocks of {group}"
    elif scheme.kind == "int" and group > 0 and columns_split and part.columns % group:
        return f"{name}'s {part.columns} columns do not divide into groups of {group}"
    return None


def format_refusal(shape: ModelShape, gpu: Gpu, vllm: tuple[int, int]) -> str | None:
    """Say why a GPU or a vLLM version cannot run a model's weights, or return `None`."""
    major, minor = gpu.compute_capability
    if gpu.compute_capability < WHEELS_FROM and vllm >= (0, 14):
        return (
            f"{gpu.name} has compute capability {major}.{minor}, and vLLM's wheels are compiled "
            "for 7.5 and above"
        )
    no_bfloat16 = gpu.compute_capability < (8, 0)
    if no_bfloat16 and shape.architecture.startswith(NO_FLOAT16):
        return f"{gpu.name} has no bfloat16, and {shape.architecture} overflows in float16"
    quantization = quantization_of_shape(shape)
    if quantization is None:
        return None
    if quantization.method == "bitsandbytes" and vllm > BITSANDBYTES_UNTIL:
        return "bitsandbytes is no longer one of vLLM's quantization methods"
    return _capability_refusal(quantization, gpu)


def _capability_refusal(quantization: Quantization, gpu: Gpu) -> str | None:
    major, minor = gpu.compute_capability
    kinds = {scheme.kind for scheme in quantization.layers.values()}
    kinds |= {quantization.scheme.kind} if quantization.scheme else set()
    for kind in sorted(kinds):
        least = MINIMUM_CAPABILITY[kind]
        if kind == "fp8" and quantization.scheme is not None:
            least = FP8_BY_METHOD.get(quantization.method, least)
        if gpu.compute_capability < least:
            return (
                f"{gpu.name} has compute capability {major}.{minor}, and {kind} weights need "
                f"{least[0]}.{least[1]}"
            )
    return None


def experts_refusal(shape: ModelShape, gpu: Gpu, parallel: Parallel) -> str | None:
    """Say why a GPU has no kernel for a rank's part of float8 experts, or return `None`.

    Source: vLLM 0.33.0's fused_moe/oracle/fp8.py: where a rank's part is no whole number of the
    checkpoint's blocks, vLLM makes the blocks finer, down to 32, for kernels that have float8.
    """
    quantization = quantization_of_shape(shape)
    scheme = quantization.scheme if quantization else None
    if scheme is None or scheme.scale != "block":
        return None
    anatomy = anatomy_of(shape)
    for layer in dict.fromkeys(anatomy.layers):
        for module in layer_modules(layer, 0, anatomy.hidden, parallel):
            if not isinstance(module, Experts) or module.inner % scheme.group == 0:
                continue
            native = gpu.compute_capability >= FINER_BLOCKS_FROM
            if not native or gcd(scheme.group, module.inner, module.hidden) < FINEST_BLOCK:
                return (
                    f"{gpu.name} cuts no float8 block so fine: tensor_parallel_size "
                    f"{parallel.tensor} leaves each expert {module.inner} columns, in blocks of "
                    f"{scheme.group}"
                )
    return None
