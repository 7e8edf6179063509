"""The AWS regions that exist, and where S3 is in each."""

from __future__ import annotations

from functools import cache

from cdk_vllm.catalog.toml_file import read


@cache
def regions() -> frozenset[str]:
    """Return every region of every partition."""
    return frozenset(name for names in read("regions.toml")["regions"].values() for name in names)


@cache
def s3_prefix_list_id(region: str) -> str | None:
    """Return AWS's prefix list of S3's addresses in a region, or None where nobody noted it."""
    found = read("prefix_lists.toml")["s3"].get(region)
    return str(found) if found else None
