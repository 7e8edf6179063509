"""Regions."""

from __future__ import annotations

from cdk_vllm import catalog


def test_regions_of_every_partition_are_known() -> None:
    assert {"us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"} <= catalog.regions()
    assert "us-east1" not in catalog.regions()
