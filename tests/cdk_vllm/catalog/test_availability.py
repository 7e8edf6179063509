"""A region offers what its data says, and where there is no data nothing is claimed."""

from __future__ import annotations

from cdk_vllm import catalog
from cdk_vllm.catalog import is_offered


def test_what_a_region_offers_is_known_for_both_services() -> None:
    assert is_offered("g6e.xlarge", "us-east-1") is True
    assert is_offered("g7e.12xlarge", "eu-west-1") is False
    assert is_offered("ml.g5.2xlarge", "eu-west-1") is True
    assert is_offered("ml.g7e.2xlarge", "eu-west-1") is False


def test_what_nobody_knows_is_not_claimed() -> None:
    assert is_offered("g6e.xlarge", "us-iso-east-1") is None
    assert is_offered("g99.xlarge", "us-east-1") is None


def test_the_source_is_named() -> None:
    assert "cfn-lint" in catalog.availability_source()
