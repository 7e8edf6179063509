"""Bytes to GiB."""

from __future__ import annotations

from cdk_vllm.sizing.units import GIB, gib, round_up


def test_gib_has_three_digits() -> None:
    assert gib(GIB * 3 // 2) == 1.5
    assert gib(1) == 0.0


def test_round_up() -> None:
    assert [round_up(n, 64) for n in (0, 1, 64, 65)] == [0, 64, 64, 128]
