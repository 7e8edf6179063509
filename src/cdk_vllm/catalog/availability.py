"""Which instance types a region offers."""

from __future__ import annotations

from functools import cache

from cdk_vllm.catalog.toml_file import read


@cache
def _offered(service: str) -> dict[str, frozenset[str]]:
    return {
        region: frozenset(names) for region, names in read("availability.toml")[service].items()
    }


def is_offered(instance_type: str, region: str) -> bool | None:
    """Say whether a region offers an EC2 or an `ml.` instance type; `None` where nobody knows."""
    offered = _offered("sagemaker" if instance_type.startswith("ml.") else "ec2")
    if region not in offered or not any(instance_type in names for names in offered.values()):
        return None
    return instance_type in offered[region]


def availability_source() -> str:
    """Return where the answer of `is_offered` comes from."""
    return str(read("availability.toml")["source"])
