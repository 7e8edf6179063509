"""Regions."""

from __future__ import annotations

from cdk_vllm import catalog


def test_regions_of_every_partition_are_known() -> None:
    assert {"us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"} <= catalog.regions()
    assert "us-east1" not in catalog.regions()


def test_s3_has_a_prefix_list_in_each_noted_region_and_none_elsewhere() -> None:
    noted = {region: catalog.s3_prefix_list_id(region) for region in catalog.regions()}
    known = [identity for identity in noted.values() if identity]
    assert len(set(known)) == len(known) >= 8
    assert all(identity.startswith("pl-") for identity in known)
    assert noted["us-east-1"] == "pl-63a5400a"
    assert noted["cn-north-1"] is None
