"""Bytes of a module by its quantization."""

from __future__ import annotations

import pytest

from cdk_vllm.sizing.modules import Experts, Matrix
from cdk_vllm.sizing.quantization import Scheme
from cdk_vllm.sizing.stored import Target, expert_pieces, matrix_pieces, mxfp4_sizes

MATRIX = Matrix(name="up", rows=(1024, 1024), columns=4096)
WEIGHTS = 2048 * 4096


def kept(scheme: Scheme | None) -> int:
    return sum(piece.size_bytes for piece in matrix_pieces(MATRIX, scheme) if piece.kept)


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        (None, 2 * WEIGHTS),
        (Scheme(kind="fp8", bits=8, scale="tensor"), WEIGHTS + 2 * 4),
        (Scheme(kind="fp8", bits=8, scale="channel"), WEIGHTS + 2048 * 4),
        (Scheme(kind="fp8", bits=8, scale="block", group=128), WEIGHTS + 16 * 32 * 4),
        (Scheme(kind="int8", bits=8, scale="channel"), WEIGHTS + 2048 * 4),
        (Scheme(kind="int", bits=4, scale="group", group=128), WEIGHTS // 2 + 2048 * 32 * 2),
        (
            Scheme(kind="int", bits=4, scale="group", group=128, zero_points=True,
                   stored_zero_points=True),
            WEIGHTS // 2 + 2048 * 32 * 2 + 2048 * 32 // 2,
        ),
        (Scheme(kind="nvfp4", bits=4, scale="group", group=16), WEIGHTS // 2 + WEIGHTS // 16 + 12),
        (Scheme(kind="mxfp4", bits=4, scale="group", group=32), WEIGHTS // 2 + WEIGHTS // 32),
        (Scheme(kind="mxfp8", bits=8, scale="group", group=32), WEIGHTS + WEIGHTS // 32),
    ],
)  # fmt: skip
def test_a_matrix_with_its_scales(scheme: Scheme | None, expected: int) -> None:
    assert kept(scheme) == expected


def test_gptq_drops_what_repacking_does_not_need() -> None:
    scheme = Scheme(
        kind="int", bits=4, scale="group", group=128, stored_zero_points=True, stored_order=True
    )
    created = sum(p.size_bytes for p in matrix_pieces(MATRIX, scheme) if p.created)
    assert created - kept(scheme) == 2048 * 32 // 2 + 4096 * 4


def test_a_bias_stays_in_16_bits_and_mla_keeps_a_copy() -> None:
    matrix = Matrix(name="kv_b_proj", rows=(128,), columns=128, bias=128, absorbed=999)
    scheme = Scheme(kind="fp8", bits=8, scale="tensor")
    assert [p.size_bytes for p in matrix_pieces(matrix, scheme)] == [128 * 128, 4, 999, 256]
    assert [p.size_bytes for p in matrix_pieces(matrix, None)] == [2 * 128 * 128, 256]


@pytest.mark.parametrize(
    ("capability", "vllm", "sizes"),
    [
        ((9, 0), (0, 33), (2880, 2880)),
        ((9, 0), (0, 11), (2880, 3072)),
        ((8, 0), (0, 19), (3072, 2944)),
        ((10, 0), (0, 33), (3072, 2944)),
    ],
)
def test_mxfp4_experts_are_padded(
    capability: tuple[int, int], vllm: tuple[int, int], sizes: tuple[int, int]
) -> None:
    assert mxfp4_sizes(2880, 2880, Target(capability=capability, vllm=vllm)) == sizes


def test_experts_a_block_does_not_divide_get_smaller_blocks() -> None:
    experts = Experts(name="experts", count=1, inner=192, hidden=4096)
    scheme = Scheme(kind="fp8", bits=8, scale="block", group=128)
    sizes = [p.size_bytes for p in expert_pieces(experts, scheme, Target())]
    assert sizes == [384 * 4096, 6 * 64 * 4, 192 * 4096, 64 * 3 * 4]
