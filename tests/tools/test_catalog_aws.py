"""Facts from AWS: instance types as moto serves EC2's own, prices as the API's answers look."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from cdk_vllm.catalog.toml_file import read
from cdk_vllm.errors import InputError
from tools import catalog_aws
from tools.catalog_toml import CATALOG

HOURLY = {"OnDemand": {"T": {"priceDimensions": {"D": {"unit": "Hrs", "pricePerUnit": {}}}}}}
PLAIN = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
}


def product(usd: str, **attributes: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps({"product": {}, "terms": HOURLY}))
    found["product"]["attributes"] = attributes
    dimension = found["terms"]["OnDemand"]["T"]["priceDimensions"]["D"]
    dimension["pricePerUnit"]["USD"] = usd
    return found


def client(service: str) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


@mock_aws
def test_instance_types_agree_with_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    known = read("instances.toml")["instances"]
    some = {name: known[name] for name in ("g5.xlarge", "g5.12xlarge", "g6.xlarge", "p4d.24xlarge")}
    rows = catalog_aws.instance_rows(client("ec2"), some)
    for name, row in some.items():
        for key in ("gpu", "gpus", "vcpus", "memory_gib", "local_nvme_gb", "arch", "sagemaker"):
            assert rows[name][key] == row[key], (name, key)
    assert "new: g4dn.xlarge" in capsys.readouterr().err


def test_a_gpu_without_a_name_here_is_told_about(capsys: pytest.CaptureFixture[str]) -> None:
    gpu = {"Manufacturer": "NVIDIA", "Name": "X1", "Count": 1}
    found = {"InstanceType": "x1.large", "GpuInfo": {"Gpus": [gpu]}}
    assert catalog_aws.instance_row(found) is None
    assert "left out x1.large: GPU 'X1'" in capsys.readouterr().err
    assert catalog_aws.instance_row({"InstanceType": "m5.large"}) is None


@pytest.mark.parametrize(
    ("name", "mib", "expected"),
    [
        ("A100", 40960, "A100-40GB"),
        ("A100", 81920, "A100-80GB"),
        ("V100", 16384, None),
        ("L40S", 46068, "L40S"),
    ],
)
def test_gpus_of_one_name_differ_by_memory(name: str, mib: int, expected: str | None) -> None:
    gpu = {"Name": name, "MemoryInfo": {"SizeInMiB": mib}}
    assert catalog_aws.gpu_name(gpu) == expected


def test_the_price_list_is_asked_type_by_type() -> None:
    pricing = client("pricing")
    with Stubber(pricing) as stub:
        for name, usd in (("g6.xlarge", "0.8048"), ("g6.2xlarge", "0.9776")):
            answer = product(usd, instanceType=name, **PLAIN)
            stub.add_response("get_products", {"PriceList": [json.dumps(answer)]})
        names = ["g6.xlarge", "g6.2xlarge"]
        found = catalog_aws.ec2_products(pricing, "us-east-1", names)
        assert catalog_aws.ec2_prices(found, names) == {"g6.xlarge": 0.8048, "g6.2xlarge": 0.9776}
        stub.assert_no_pending_responses()


def test_what_is_not_plain_on_demand_linux_is_no_price() -> None:
    name = "g6.xlarge"
    others = [
        product("9", instanceType=name, **(PLAIN | {"operatingSystem": "Windows"})),
        product(
            "9", instanceType=name, **(PLAIN | {"capacitystatus": "UnusedCapacityReservation"})
        ),
        product("0.0000000000", instanceType=name, **PLAIN),
        product("9", instanceType="m5.large", **PLAIN),
    ]
    assert catalog_aws.ec2_prices(others, [name]) == {}


def test_sagemaker_endpoints_have_prices_of_their_own() -> None:
    found = [
        product("1.408", instanceName="ml.g5.xlarge", component="Hosting"),
        product("9", instanceName="ml.g5.xlarge", component="Notebook"),
    ]
    assert catalog_aws.sagemaker_prices(found, ["ml.g5.xlarge"]) == {"ml.g5.xlarge": 1.408}


def test_spot_is_the_newest_price_of_each_zone() -> None:
    ec2 = client("ec2")

    def sample(zone: str, day: int, usd: str) -> dict[str, Any]:
        moment = datetime(2026, 11, day, tzinfo=UTC)
        return {
            "InstanceType": "g6.xlarge",
            "AvailabilityZone": zone,
            "Timestamp": moment,
            "SpotPrice": usd,
        }

    history = [sample("a", 1, "0.5"), sample("a", 2, "0.4"), sample("b", 1, "0.3")]
    with Stubber(ec2) as stub:
        stub.add_response("describe_spot_price_history", {"SpotPriceHistory": history})
        assert catalog_aws.spot_samples(ec2, ["g6.xlarge"]) == {"g6.xlarge": [0.3, 0.4]}


def test_a_refreshed_file_is_in_the_tools_own_format() -> None:
    current = (CATALOG / "prices.toml").read_text("utf-8")
    text = catalog_aws.with_prices(current, "ec2", "eu-west-1", {"g6.xlarge": 0.9}, "2026-11-01")
    again = catalog_aws.with_prices(text, "ec2", "eu-west-1", {"g6.xlarge": 0.9}, "2026-11-01")
    assert text == again
    assert text.startswith(current.splitlines()[0])
    assert tomllib.loads(text)["spot"] == tomllib.loads(current)["spot"]


class Prices:
    """The Price List's API, which moto lacks: one product for every type that is asked for."""

    def get_paginator(self, name: str) -> Prices:
        assert name == "get_products"
        return self

    def paginate(self, ServiceCode: str, Filters: list[dict[str, str]]) -> list[Any]:  # noqa: N803
        asked = {f["Field"]: f["Value"] for f in Filters}
        if ServiceCode == "AmazonSageMaker":
            found = product("1.5", instanceName="ml.g6.xlarge", component="Hosting")
        else:
            found = product("0.9", instanceType=asked["instanceType"], **PLAIN)
        return [{"PriceList": [json.dumps(found)]}]


class Session:
    """A session that answers as moto does, and with the prices above."""

    def client(self, service: str, region_name: str) -> Any:
        return Prices() if service == "pricing" else client(service)


@mock_aws
def test_a_region_is_refreshed_as_a_whole() -> None:
    files = catalog_aws.refresh(CATALOG, "eu-west-1", "2026-11-01", Session())
    prices = tomllib.loads(files["prices.toml"])
    instances = tomllib.loads(files["instances.toml"])
    assert instances["as_of"] == "2026-11-01"
    assert set(read("instances.toml")["instances"]) <= set(instances["instances"])
    assert prices["ec2"]["eu-west-1"]["g6.xlarge"] == 0.9
    assert prices["sagemaker"]["eu-west-1"] == {"ml.g6.xlarge": 1.5}
    assert {day["eu-west-1"] for day in prices["as_of"].values()} == {"2026-11-01"}
    assert prices["ec2"]["us-east-1"] == read("prices.toml")["ec2"]["us-east-1"]
    for row in instances["instances"].values():
        assert row["network_mbps"] > 0


def test_a_list_of_other_things_is_refused(tmp_path: Any) -> None:
    for name in ("instances.toml", "prices.toml"):
        (tmp_path / name).write_text((CATALOG / name).read_text("utf-8"), "utf-8")
    offer = tmp_path / "index.json"
    offer.write_text(json.dumps({"products": {}, "terms": {"OnDemand": {}}}), "utf-8")
    with pytest.raises(InputError, match="no price of any instance type"):
        catalog_aws.refresh_from_file(tmp_path, offer, "eu-west-1", "2026-11-01")
