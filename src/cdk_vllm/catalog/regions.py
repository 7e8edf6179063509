"""The AWS regions that exist."""

from __future__ import annotations

from functools import cache

from cdk_vllm.catalog.toml_file import read


@cache
def regions() -> frozenset[str]:
    """Return every region of every partition."""
    return frozenset(name for names in read("regions.toml")["regions"].values() for name in names)
