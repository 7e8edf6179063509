"""Whole instances are paid, and a region without prices is ranked by the reference region's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_vllm.sizing.pricing import paid_share, per_month, replica_price

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingRequest

    Ask = Callable[..., ServingRequest]


@pytest.mark.parametrize(
    ("replicas", "packed", "share"),
    [(1, 1, 1.0), (1, 4, 1.0), (2, 4, 0.5), (4, 4, 0.25), (3, 2, 2 / 3), (5, 4, 0.4)],
)
def test_the_share_of_an_instance(replicas: int, packed: int, share: float) -> None:
    assert paid_share(replicas, packed) == pytest.approx(share)


def test_a_listed_price(ask: Ask) -> None:
    price = replica_price(ask(), "g6e.xlarge", 1)
    assert (price.usd_per_hour, price.ranked_usd_per_hour) == (1.861, 1.861)
    assert (price.source.basis, price.source.ranked_by_region) == ("listed", "us-east-1")
    assert price.source.reason is None


def test_a_region_without_prices_is_ranked_by_the_reference(ask: Ask) -> None:
    price = replica_price(ask(region="eu-central-1"), "g6e.xlarge", 1)
    assert price.usd_per_hour is None
    assert price.ranked_usd_per_hour == 1.861
    assert price.source.ranked_by_region == "us-east-1"
    assert "eu-central-1" in str(price.source.reason)


def test_a_type_without_a_price_is_not_ranked(ask: Ask) -> None:
    price = replica_price(ask(), "p5e.48xlarge", 8)
    assert price.usd_per_hour is None
    assert price.ranked_usd_per_hour is None


def test_an_estimate_says_so(ask: Ask) -> None:
    price = replica_price(ask(backend="sagemaker"), "ml.p5.4xlarge", 1)
    assert price.usd_per_hour == pytest.approx(6.88 * 1.15)
    assert price.source.basis == "estimated from the EC2 price"


def test_a_month_has_730_hours() -> None:
    assert per_month(1.861) == 1358.53
    assert per_month(None) is None
