"""How a checkpoint's weights are stored and multiplied, part by part of a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cdk_vllm.sizing.anatomy import Dense, Latent, Mixture

if TYPE_CHECKING:
    from cdk_vllm.sizing.anatomy import Anatomy, Layer
    from cdk_vllm.sizing.quantization import Quantization, Scheme

# The last projection of each kind of mixer, which checkpoints quantize or exclude with its others.
OUTPUTS = {"self_attn": "o_proj", "linear_attn": "out_proj", "mixer": "out_proj"}
SCALE_BYTES = {"nvfp4": 1, "mxfp4": 1, "mxfp8": 1, "int": 2.5, "nf4": 1}


class WeightFormat(NamedTuple):
    """How weights are stored and multiplied: bytes of one, bits of the arithmetic.

    `quantizes` says whether activations are quantized before each product, in a kernel of its own.
    """

    bytes_per_weight: float = 2.0
    math_bits: int = 16
    quantizes: bool = False


class Formats(NamedTuple):
    """The formats of the mixers, of dense and shared MLPs, and of the routed experts."""

    mixer: WeightFormat = WeightFormat()
    dense: WeightFormat = WeightFormat()
    experts: WeightFormat = WeightFormat()


def format_of(scheme: Scheme | None) -> WeightFormat:
    """Return a scheme's format: floats of 8 and 4 bits are multiplied as such, integers unpacked.

    MXFP4 weights are unpacked too (vLLM's Triton and Marlin kernels); 8-bit integers are not.
    """
    if scheme is None:
        return WeightFormat()
    scales = SCALE_BYTES.get(scheme.kind, 0) / scheme.group if scheme.group > 0 else 0.0
    stored = scheme.bits / 8 + scales
    if scheme.bits == 8 and scheme.kind != "int":
        return WeightFormat(stored, 8, quantizes=True)
    if scheme.kind == "nvfp4" and scheme.static_inputs:
        return WeightFormat(stored, 4, quantizes=True)
    return WeightFormat(stored)


def formats_of(anatomy: Anatomy, quantization: Quantization | None) -> Formats:
    """Return the formats of a layer in the middle of the model, its exclude list honoured."""
    if quantization is None:
        return Formats()
    found: dict[str, WeightFormat] = {}
    middle = len(anatomy.layers) // 2
    order = sorted(range(len(anatomy.layers)), key=lambda index: abs(index - middle))
    for index in order:
        for part, form in _parts(anatomy.layers[index], f"layers.{index}", quantization):
            found.setdefault(part, form)
        if len(found) == len(Formats._fields):
            break
    return Formats(**found)


def _parts(layer: Layer, prefix: str, quantization: Quantization) -> list[tuple[str, WeightFormat]]:
    parts = []
    if layer.mixer is not None:
        name = "self_attn" if isinstance(layer.mixer, Latent) else layer.mixer.name
        projection = f"{prefix}.{name}.{OUTPUTS.get(name, 'out_proj')}"
        parts.append(("mixer", format_of(quantization.scheme_of(projection))))
    for mlp in layer.mlps:
        name = f"{prefix}.{mlp.name}".rstrip(".")
        if isinstance(mlp, Dense):
            parts.append(("dense", format_of(quantization.scheme_of(f"{name}.down_proj"))))
        if isinstance(mlp, Mixture):
            experts = quantization.scheme_of_experts(f"{name}.{mlp.experts_name}")
            parts.append(("experts", format_of(experts)))
            shared = f"{name}.{mlp.shared_name}.down_proj"
            if mlp.shared:
                parts.append(("dense", format_of(quantization.scheme_of(shared))))
    return parts
