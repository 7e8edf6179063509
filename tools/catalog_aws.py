"""Facts from AWS itself: EC2's instance types and spot prices, the Price List of EC2 and SageMaker.

Needs a maintainer's credentials (ec2:DescribeInstanceTypes, ec2:DescribeSpotPriceHistory,
pricing:GetProducts), or AWS's price list files (`offers/v1.0/aws/AmazonEC2/current/REGION/
index.json` and AmazonSageMaker's), which anybody can download. What people decide stays as it is:
which types vLLM cannot use, what torch sees of a GPU, which ratio estimates SageMaker's prices.
"""

from __future__ import annotations

import json
import sys
import tomllib
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import InputError
from tools.catalog_toml import toml_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mypy_boto3_ec2 import EC2Client

# EC2's names of GPUs, with the MiB that tell two of one name apart.
GPU_NAMES = {
    "T4": "T4",
    "T4g": "T4G",
    "A10G": "A10G",
    "L4": "L4",
    "L40S": "L40S",
    "H100": "H100",
    "H200": "H200",
    "B200": "B200",
    "B300": "B300",
    "RTX PRO Server 4500": "RTX PRO 4500",
    "RTX PRO Server 6000": "RTX PRO 6000",
}
A100_80GB_MIB = 81920
V100_32GB_MIB = 32768
SOURCES = {
    "ec2": "AWS Price List, AmazonEC2",
    "sagemaker": "AWS Price List, AmazonSageMaker",
    "spot": "EC2's DescribeSpotPriceHistory, the newest price of each zone",
}

Row = dict[str, Any]


def instance_rows(ec2: EC2Client, known: dict[str, Row]) -> dict[str, Row]:
    """Return every type with whole NVIDIA GPUs as instances.toml holds it.

    A known type keeps `sagemaker` and `unsupported`; a new one, and one whose GPU has a name that
    is not in the list above, is told about on standard error for a person to decide.
    """
    rows = dict(known)
    for page in ec2.get_paginator("describe_instance_types").paginate():
        for found in page["InstanceTypes"]:
            name = str(found["InstanceType"])
            row = instance_row(found)
            if row is None:
                continue
            old = known.get(name, {})
            row["network_mbps"] = row["network_mbps"] or old.get("network_mbps", 0)
            if not row["network_mbps"]:
                print(f"left out {name}: its network is not told", file=sys.stderr)
                continue
            if not old:
                print(f"new: {name}; decide `sagemaker` and `unsupported`", file=sys.stderr)
            kept = {key: old[key] for key in ("sagemaker", "unsupported") if key in old}
            rows[name] = row | kept
    return rows


def instance_row(found: Any) -> Row | None:
    """Return one described type's facts, or `None` for one that the catalogue does not hold."""
    gpus = [
        g for g in found.get("GpuInfo", {}).get("Gpus", []) if g.get("Manufacturer") == "NVIDIA"
    ]
    if not gpus or not gpus[0].get("Count"):
        return None
    gpu = gpu_name(gpus[0])
    if gpu is None:
        print(f"left out {found['InstanceType']}: GPU {gpus[0].get('Name')!r}", file=sys.stderr)
        return None
    cards = found.get("NetworkInfo", {}).get("NetworkCards", [])
    gbps = sum(card.get("BaselineBandwidthInGbps", 0.0) for card in cards)
    return {
        "gpu": gpu,
        "gpus": gpus[0]["Count"],
        "vcpus": found["VCpuInfo"]["DefaultVCpus"],
        "memory_gib": found["MemoryInfo"]["SizeInMiB"] / 1024,
        "local_nvme_gb": found.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0),
        "network_mbps": round(1000 * gbps),
        "arch": found["ProcessorInfo"]["SupportedArchitectures"][-1],
    }


def gpu_name(gpu: Any) -> str | None:
    """Return the catalogue's name of a GPU that EC2 describes."""
    mib = gpu.get("MemoryInfo", {}).get("SizeInMiB", 0)
    if gpu.get("Name") == "A100":
        return "A100-80GB" if mib >= A100_80GB_MIB else "A100-40GB"
    if gpu.get("Name") == "V100":
        return "V100-32GB" if mib >= V100_32GB_MIB else None
    return GPU_NAMES.get(str(gpu.get("Name")))


def spot_samples(ec2: Any, types: Iterable[str]) -> dict[str, list[float]]:
    """Return the newest spot price of every zone by type, for Linux, in the client's region."""
    newest: dict[tuple[str, str], tuple[Any, float]] = {}
    pages = ec2.get_paginator("describe_spot_price_history").paginate(
        InstanceTypes=list(types), ProductDescriptions=["Linux/UNIX"]
    )
    for page in pages:
        for found in page["SpotPriceHistory"]:
            key = (str(found["InstanceType"]), found["AvailabilityZone"])
            sample = (found["Timestamp"], float(found["SpotPrice"]))
            newest[key] = max(newest.get(key, sample), sample)
    samples: dict[str, list[float]] = {}
    for (name, _), (_, usd) in sorted(newest.items()):
        samples.setdefault(name, []).append(usd)
    return {name: sorted(found) for name, found in samples.items()}


def ec2_products(pricing: Any, region: str, types: Iterable[str]) -> Iterator[Row]:
    """Yield the Price List's products for Linux on shared hosts, one type at a time."""
    fixed = {
        "regionCode": region,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
    }
    for name in types:
        yield from products(pricing, "AmazonEC2", fixed | {"instanceType": name})


def sagemaker_products(pricing: Any, region: str) -> Iterator[Row]:
    """Yield the Price List's products for SageMaker endpoints."""
    return products(pricing, "AmazonSageMaker", {"regionCode": region, "component": "Hosting"})


def products(pricing: Any, service: str, attributes: dict[str, str]) -> Iterator[Row]:
    """Yield the Price List's products with these attributes."""
    filters = [{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in attributes.items()]
    pages = pricing.get_paginator("get_products").paginate(ServiceCode=service, Filters=filters)
    for page in pages:
        yield from (json.loads(text) for text in page["PriceList"])


def file_products(path: Path) -> Iterator[Row]:
    """Yield the products of a downloaded price list, in the form that the API gives them."""
    offer = json.loads(path.read_text("utf-8"))
    on_demand = offer["terms"]["OnDemand"]
    for sku, product in offer["products"].items():
        yield {"product": product, "terms": {"OnDemand": on_demand.get(sku, {})}}


def ec2_prices(found: Iterable[Row], types: Iterable[str]) -> dict[str, float]:
    """Return on-demand prices by type: Linux, shared hosts, nothing installed or reserved."""
    wanted, prices = set(types), {}
    for product in found:
        facts = product["product"].get("attributes", {})
        plain = (
            facts.get("operatingSystem"), facts.get("tenancy"),
            facts.get("preInstalledSw"), facts.get("capacitystatus"),
        ) == ("Linux", "Shared", "NA", "Used")  # fmt: skip
        name, usd = facts.get("instanceType"), on_demand_usd(product)
        if plain and name in wanted and usd is not None:
            prices[name] = usd
    return prices


def sagemaker_prices(found: Iterable[Row], names: Iterable[str]) -> dict[str, float]:
    """Return SageMaker's prices of real-time endpoints by `ml.` name."""
    wanted, prices = set(names), {}
    for product in found:
        facts = product["product"].get("attributes", {})
        name, usd = facts.get("instanceName"), on_demand_usd(product)
        if facts.get("component") == "Hosting" and name in wanted and usd is not None:
            prices[str(name)] = usd
    return prices


def on_demand_usd(product: Row) -> float | None:
    """Return the hourly price of a product, `None` where it is free or has none."""
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            usd = float(dimension["pricePerUnit"].get("USD", 0))
            if usd > 0 and dimension.get("unit", "Hrs").lower() in ("hrs", "hours"):
                return usd
    return None


def instances_text(current: str, rows: dict[str, Row], as_of: str) -> str:
    """Return instances.toml with new rows under its own comment."""
    head = {"as_of": as_of, "source": "EC2's DescribeInstanceTypes"}
    return toml_file(comment_of(current), head, {"instances": rows})


def with_prices(current: str, kind: str, region: str, prices: Row, as_of: str) -> str:
    """Return prices.toml with one region's prices of `ec2`, `sagemaker` or `spot` replaced."""
    known = tomllib.loads(current)
    known["as_of"].setdefault(kind, {})[region] = as_of
    known[f"{kind}_source"] = SOURCES[kind]
    known.setdefault(kind, {})[region] = prices
    head = {key: value for key, value in known.items() if not isinstance(value, dict)}
    tables: dict[str, Row] = {f"as_of/{each}": known["as_of"][each] for each in sorted(SOURCES)}
    for each in sorted(SOURCES):
        tables |= {f"{each}/{name}": rows for name, rows in sorted(known[each].items())}
    return toml_file(
        comment_of(current), head, tables | {"sagemaker_ratio": known["sagemaker_ratio"]}
    )


def comment_of(text: str) -> str:
    """Return a file's first comment without its marks."""
    lines = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines)


def refresh(folder: Path, region: str, as_of: str, session: Any) -> dict[str, str]:
    """Return instances.toml and prices.toml as AWS tells them for a region today."""
    instances_toml = (folder / "instances.toml").read_text("utf-8")
    prices_toml = (folder / "prices.toml").read_text("utf-8")
    ec2 = session.client("ec2", region_name=region)
    # The Price List's API answers for all regions, from three.
    pricing = session.client("pricing", region_name="us-east-1")
    rows = instance_rows(ec2, tomllib.loads(instances_toml)["instances"])
    names = [str(row["sagemaker"]) for row in rows.values() if "sagemaker" in row]
    on_demand = ec2_prices(ec2_products(pricing, region, rows), rows)
    hosting = sagemaker_prices(sagemaker_products(pricing, region), names)
    for kind, prices in (
        ("ec2", on_demand), ("sagemaker", hosting), ("spot", spot_samples(ec2, rows)),
    ):  # fmt: skip
        prices_toml = with_prices(prices_toml, kind, region, prices, as_of)
    return {
        "instances.toml": instances_text(instances_toml, rows, as_of),
        "prices.toml": prices_toml,
    }


def refresh_from_file(folder: Path, price_list: Path, region: str, as_of: str) -> dict[str, str]:
    """Return prices.toml with the prices of a downloaded list, EC2's or SageMaker's."""
    rows = tomllib.loads((folder / "instances.toml").read_text("utf-8"))["instances"]
    names = [str(row["sagemaker"]) for row in rows.values() if "sagemaker" in row]
    found = list(file_products(price_list))
    current = (folder / "prices.toml").read_text("utf-8")
    hosting = sagemaker_prices(found, names)
    kind, prices = ("sagemaker", hosting) if hosting else ("ec2", ec2_prices(found, rows))
    if not prices:
        raise InputError(f"{price_list} has no price of any instance type in the catalogue.")
    return {"prices.toml": with_prices(current, kind, region, prices, as_of)}
