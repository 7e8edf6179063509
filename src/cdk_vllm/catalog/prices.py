"""On-demand prices, listed or estimated by a documented rule, or absent with the reason."""

from __future__ import annotations

from typing import Any, NamedTuple

from cdk_vllm.catalog.toml_file import read

LISTED = "listed"
ESTIMATED = "estimated from the EC2 price"
UNKNOWN = "unknown"


class Price(NamedTuple):
    """US dollars an hour, `None` where nobody has told us, with the reason in words."""

    usd_per_hour: float | None
    basis: str
    as_of: str
    reason: str | None


class SpotPrice(NamedTuple):
    """US dollars an hour over the sampled zones of a region."""

    low: float
    median: float
    high: float
    as_of: str


def reference_region() -> str:
    """Return the region whose prices rank instances where a region has none."""
    return str(_prices()["reference_region"])


def hours_per_month() -> int:
    """Return the hours that a month is counted as."""
    return int(_prices()["hours_per_month"])


def ec2_usd_per_hour(instance_type: str, region: str) -> Price:
    """Return EC2's on-demand price of an instance type such as `g6.xlarge`."""
    prices = _prices()
    as_of = _as_of("ec2", region)
    known = prices["ec2"].get(region)
    if known is None:
        return Price(None, UNKNOWN, as_of, f"the catalogue has no EC2 prices for {region}")
    if instance_type not in known:
        reason = f"the price list for {region} has no on-demand price of {instance_type}"
        return Price(None, UNKNOWN, as_of, reason)
    return Price(known[instance_type], LISTED, as_of, None)


def sagemaker_usd_per_hour(instance_type: str, region: str) -> Price:
    """Return SageMaker's on-demand price of an `ml.` instance type, estimated where unlisted.

    The estimate is EC2's price times the family's ratio, see prices.toml.
    """
    prices = _prices()
    as_of = _as_of("sagemaker", region)
    listed = prices["sagemaker"].get(region)
    if listed is None:
        return Price(None, UNKNOWN, as_of, f"the catalogue has no SageMaker prices for {region}")
    if instance_type in listed:
        return Price(listed[instance_type], LISTED, as_of, None)
    return _estimated(instance_type.removeprefix("ml."), region)


def spot_usd_per_hour(instance_type: str, region: str) -> SpotPrice | None:
    """Return the sampled spot prices of an EC2 instance type, `None` where none is known."""
    prices = _prices()
    samples = prices.get("spot", {}).get(region, {}).get(instance_type)
    if not samples:
        return None
    ordered = sorted(samples)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    return SpotPrice(ordered[0], round(middle, 4), ordered[-1], _as_of("spot", region))


def _estimated(instance_type: str, region: str) -> Price:
    ec2 = ec2_usd_per_hour(instance_type, region)
    family, _, size = instance_type.partition(".")
    ratios = _prices()["sagemaker_ratio"].get(family)
    if ec2.usd_per_hour is None:
        return ec2
    if ratios is None:
        reason = f"no SageMaker price of ml.{instance_type} is known, nor a ratio for {family}"
        return Price(None, UNKNOWN, ec2.as_of, reason)
    ratio = ratios.get(size, ratios["other"])
    return Price(round(ec2.usd_per_hour * ratio, 4), ESTIMATED, ec2.as_of, None)


def _as_of(kind: str, region: str) -> str:
    """Return the day of a region's price list, the reference region's where it has none."""
    days = _prices()["as_of"][kind]
    return str(days.get(region) or days[reference_region()])


def _prices() -> dict[str, Any]:
    return read("prices.toml")
