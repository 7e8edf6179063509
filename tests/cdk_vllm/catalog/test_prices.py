"""Prices: listed, estimated by the rule, or absent with a reason."""

from __future__ import annotations

import pytest

from cdk_vllm import catalog
from cdk_vllm.catalog.toml_file import read


def test_a_listed_price_has_its_date() -> None:
    price = catalog.ec2_usd_per_hour("g6.xlarge", "us-east-1")
    assert price == (0.8048, "listed", "2026-07-20", None)


@pytest.mark.parametrize(
    ("name", "region", "words"),
    [
        ("g6.xlarge", "eu-west-1", "eu-west-1"),
        ("p5e.48xlarge", "us-east-1", "p5e.48xlarge"),
    ],
)
def test_an_absent_price_has_a_reason(name: str, region: str, words: str) -> None:
    for price in (
        catalog.ec2_usd_per_hour(name, region),
        catalog.sagemaker_usd_per_hour(f"ml.{name}", region),
    ):
        assert price.usd_per_hour is None
        assert price.basis == "unknown"
        assert words in str(price.reason)


def test_the_ratio_gives_every_listed_sagemaker_price_to_three_digits() -> None:
    prices = read("prices.toml")
    listed = prices["sagemaker"]["us-east-1"]
    assert len(listed) == 32
    for name, usd in listed.items():
        family, _, size = name.removeprefix("ml.").partition(".")
        ratios = prices["sagemaker_ratio"][family]
        ec2 = prices["ec2"]["us-east-1"][f"{family}.{size}"]
        assert ec2 * ratios.get(size, ratios["other"]) == pytest.approx(usd, rel=1e-3), name


def test_an_unlisted_sagemaker_price_is_estimated() -> None:
    price = catalog.sagemaker_usd_per_hour("ml.g6.16xlarge", "us-east-1")
    assert price.usd_per_hour == pytest.approx(3.3968 * 1.25)
    assert price.basis == "estimated from the EC2 price"


def test_a_family_without_a_ratio_is_unknown() -> None:
    price = catalog.sagemaker_usd_per_hour("ml.p3dn.24xlarge", "us-east-1")
    assert price.usd_per_hour is None
    assert "p3dn" in str(price.reason)


def test_the_reference_region_has_prices() -> None:
    assert catalog.reference_region() in read("prices.toml")["ec2"]
    assert catalog.reference_region() in catalog.regions()
    assert catalog.hours_per_month() == 730


def test_spot_samples_have_a_median_a_spread_and_a_day() -> None:
    spot = catalog.spot_usd_per_hour("g6.xlarge", "us-east-1")
    assert spot == (0.4007, 0.4083, 0.4386, "2026-10-31")
    assert catalog.spot_usd_per_hour("g6e.2xlarge", "us-west-2") is not None
    assert catalog.spot_usd_per_hour("g6e.2xlarge", "us-east-1") is None
    assert catalog.spot_usd_per_hour("g6.xlarge", "eu-west-1") is None


def test_no_spot_price_is_above_on_demand() -> None:
    prices = read("prices.toml")
    for name, samples in prices["spot"]["us-east-1"].items():
        assert samples == sorted(samples)
        assert samples[-1] < prices["ec2"]["us-east-1"][name], name


def test_every_region_with_prices_has_a_day() -> None:
    prices = read("prices.toml")
    for kind in ("ec2", "sagemaker", "spot"):
        assert set(prices["as_of"][kind]) == set(prices[kind])
