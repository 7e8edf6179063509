"""Bytes inside, GiB at the edges."""

from __future__ import annotations

KIB = 1024
MIB = 1024**2
GIB = 1024**3


def gib(size_bytes: float) -> float:
    """Return bytes as GiB, to the third digit."""
    return round(size_bytes / GIB, 3)


def round_up(value: int, multiple: int) -> int:
    """Return the smallest multiple that is not below `value`."""
    return -(-value // multiple) * multiple
