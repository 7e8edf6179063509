"""Whole instances are paid, and a region without prices is ranked by the reference region's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_vllm.sizing.pricing import paid_share, per_million_tokens, per_month, replica_price

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
    price = replica_price(ask(), "g6e.xlarge", 1, 1)
    assert (price.usd_per_hour, price.ranked_usd_per_hour) == (1.861, 1.861)
    assert (price.source.basis, price.source.ranked_by_region) == ("listed", "us-east-1")
    assert price.source.reason is None


def test_a_region_without_prices_is_ranked_by_the_reference(ask: Ask) -> None:
    price = replica_price(ask(region="eu-central-1"), "g6e.xlarge", 1, 1)
    assert price.usd_per_hour is None
    assert price.ranked_usd_per_hour == 1.861
    assert price.source.ranked_by_region == "us-east-1"
    assert "eu-central-1" in str(price.source.reason)


def test_a_type_without_a_price_is_not_ranked(ask: Ask) -> None:
    price = replica_price(ask(), "p5e.48xlarge", 8, 8)
    assert price.usd_per_hour is None
    assert price.ranked_usd_per_hour is None


def test_an_estimate_says_so(ask: Ask) -> None:
    price = replica_price(ask(backend="sagemaker"), "ml.p5.4xlarge", 1, 1)
    assert price.usd_per_hour == pytest.approx(6.88 * 1.15)
    assert price.source.basis == "estimated from the EC2 price"


def test_a_month_has_730_hours() -> None:
    assert per_month(1.861) == 1358.53
    assert per_month(None) is None


def test_spot_is_the_median_of_its_samples_and_ranks_where_asked(ask: Ask) -> None:
    on_demand = replica_price(ask(), "g6.xlarge", 1, 1)
    assert on_demand.spot_usd_per_hour == pytest.approx(0.4083)
    assert on_demand.spot_as_of == "2026-10-31"
    assert on_demand.ranked_usd_per_hour == on_demand.paid_usd_per_hour == 0.8048
    spot = replica_price(ask(spot=True), "g6.xlarge", 1, 1)
    assert spot.ranked_usd_per_hour == spot.paid_usd_per_hour == pytest.approx(0.4083)
    assert spot.usd_per_hour == 0.8048


def test_without_a_sample_spot_is_ranked_on_demand(ask: Ask) -> None:
    price = replica_price(ask(spot=True), "g6e.xlarge", 1, 1)
    assert price.spot_usd_per_hour is None
    assert price.ranked_usd_per_hour == price.paid_usd_per_hour == 1.861


def test_sagemaker_has_no_spot(ask: Ask) -> None:
    assert replica_price(ask(backend="sagemaker"), "ml.g6.xlarge", 1, 1).spot_usd_per_hour is None


def test_four_replicas_on_four_gpus_cost_a_quarter_each(ask: Ask) -> None:
    whole = replica_price(ask(), "g6.12xlarge", 1, 1).usd_per_hour
    quarter = replica_price(ask(), "g6.12xlarge", 4, 4).usd_per_hour
    assert whole == pytest.approx(4 * (quarter or 0))


def test_a_million_tokens() -> None:
    assert per_million_tokens(3.6, 1000.0) == 1.0
    assert per_million_tokens(None, 1000.0) is None
    assert per_million_tokens(3.6, None) is None
