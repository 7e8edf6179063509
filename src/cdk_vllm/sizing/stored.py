"""The tensors a module takes on a GPU, by its quantization: as created, and as kept after loading.

Source: vLLM 0.33.0's layers/quantization (shapes), utils/marlin_utils.py (what repacking drops),
fused_moe/oracle/mxfp4.py (padding by GPU) and kernels/linear/nvfp4 (padded scales).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd
from typing import TYPE_CHECKING

from cdk_vllm.sizing.modules import Experts, Matrix, Tensor
from cdk_vllm.sizing.units import round_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.sizing.modules import Module
    from cdk_vllm.sizing.quantization import Quantization, Scheme


@dataclass(frozen=True, kw_only=True)
class Target:
    """What runs the model: a GPU's compute capability, and a vLLM version as (major, minor)."""

    capability: tuple[int, int] = (9, 0)
    vllm: tuple[int, int] = (0, 33)


@dataclass(frozen=True)
class Piece:
    """One tensor: `created` when the model is built, `kept` once its weights are loaded."""

    size_bytes: int
    created: bool = True
    kept: bool = True


def module_pieces(
    module: Module, quantization: Quantization | None, target: Target
) -> Iterator[Piece]:
    """Yield the tensors of one module."""
    if isinstance(module, Tensor):
        yield Piece(module.elements * module.element_bytes)
    elif isinstance(module, Experts):
        yield from expert_pieces(module, module_scheme(module, quantization), target)
    else:
        yield from matrix_pieces(module, module_scheme(module, quantization))


def module_scheme(module: Module, quantization: Quantization | None) -> Scheme | None:
    """Return how a module's weights are stored, or `None` where they stay in 16 bits."""
    if quantization is None or isinstance(module, Tensor):
        return None
    if isinstance(module, Experts):
        return quantization.scheme_of_experts(module.name)
    return None if module.plain else quantization.scheme_of(module.name, module.parts)


def matrix_pieces(matrix: Matrix, scheme: Scheme | None) -> Iterator[Piece]:
    """Yield one matrix's weight, scales, zero points and bias."""
    rows, columns = sum(matrix.rows), matrix.columns
    if scheme is None:
        yield Piece(rows * columns * matrix.element_bytes)
    else:
        yield Piece(weight_bytes(rows * columns, scheme))
        equal = len(set(matrix.rows)) == 1
        yield from _scales(rows, columns, len(matrix.rows), scheme, equal=equal)
        if matrix.absorbed:
            yield Piece(matrix.absorbed, created=False)
    if matrix.bias:
        yield Piece(matrix.bias * matrix.element_bytes)


def weight_bytes(elements: int, scheme: Scheme) -> int:
    """Return the packed weight's bytes."""
    return -(-elements * scheme.bits // 8)


def _scales(
    rows: int, columns: int, parts: int, scheme: Scheme, *, equal: bool = True
) -> Iterator[Piece]:
    if scheme.kind in ("int", "nf4"):
        yield from _integer_scales(rows, columns, scheme)
    elif scheme.kind == "nvfp4":
        scales = columns // scheme.group
        yield Piece(rows * scales, kept=False)
        yield Piece(round_up(rows, 128) * round_up(scales, 4), created=False)
        yield Piece(4 * parts)
        yield Piece(4, created=False)
    elif scheme.kind in ("mxfp4", "mxfp8"):
        yield Piece(rows * (columns // scheme.group))
    elif scheme.scale == "block":
        # Each fused part begins a block of its own.
        blocks = parts * -(-(rows // parts) // scheme.group) if equal else -(-rows // scheme.group)
        yield Piece(blocks * -(-columns // scheme.group) * 4)
    elif scheme.scale == "channel":
        yield Piece(rows * 4)
    else:
        yield Piece(4 * parts)
    if scheme.static_inputs:
        yield Piece(4 * parts)


def _integer_scales(rows: int, columns: int, scheme: Scheme) -> Iterator[Piece]:
    groups = 1 if scheme.group <= 0 else -(-columns // scheme.group)
    if scheme.kind == "nf4":
        # Nested: a byte a group of 64 weights, and a float32 a 256 of those.
        yield Piece(rows * groups)
        yield Piece(rows * groups // 256 * 4)
        return
    yield Piece(groups * rows * 2)
    if scheme.stored_zero_points:
        yield Piece(groups * rows * scheme.bits // 8, kept=scheme.zero_points)
    if scheme.stored_order:
        yield Piece(columns * 4, kept=False)


def expert_pieces(experts: Experts, scheme: Scheme | None, target: Target) -> Iterator[Piece]:
    """Yield the two fused tensors of a layer's experts, with their scales and biases."""
    inner, hidden = experts.inner, experts.hidden
    if scheme is not None and scheme.kind == "mxfp4":
        hidden, inner = mxfp4_sizes(hidden, inner, target)
    if scheme is not None and scheme.scale == "block":
        # A rank's part that a block does not divide gets smaller blocks, so that it does.
        scheme = replace(scheme, group=gcd(inner, scheme.group))
    up, down = experts.gates * inner, hidden
    for rows, columns in ((up, hidden), (down, inner)):
        if scheme is None:
            yield Piece(experts.count * rows * columns * 2)
        else:
            yield Piece(weight_bytes(experts.count * rows * columns, scheme))
            gates = experts.gates if rows == up else 1
            for piece in _scales(rows, columns, gates, scheme):
                yield Piece(experts.count * piece.size_bytes, piece.created, piece.kept)
        if experts.bias:
            yield Piece(experts.count * rows * 2)


def mxfp4_sizes(hidden: int, inner: int, target: Target) -> tuple[int, int]:
    """Return the padded sizes of MXFP4 experts, by the kernel that the GPU gets.

    Hopper's Triton kernels pad the inner size to 64, to 256 before vLLM 0.14; Blackwell's
    TensorRT-LLM kernels and Marlin, which all other GPUs get, pad both sizes.
    """
    if target.capability[0] == 9:
        return hidden, round_up(inner, 64 if target.vllm >= (0, 14) else 256)
    return round_up(hidden, 256), round_up(inner, 128)
