"""What an app takes as given is there, under the ids it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from cdk_vllm.embedded_aws import given

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


@pytest.fixture
def client() -> Iterator[Callable[[str], Any]]:
    with mock_aws():
        yield lambda service: boto3.client(service, region_name="eu-west-1", **KEYS)  # type: ignore[call-overload]


def test_a_network_has_the_ids_the_environment_names(client: Callable[[str], Any]) -> None:
    subnets = {"subnet-0a": "eu-west-1a", "subnet-0b": "eu-west-1b"}
    given.vpc(client, "vpc-0abc", subnets)
    found = client("ec2").describe_subnets(SubnetIds=list(subnets))["Subnets"]
    assert {s["SubnetId"]: s["AvailabilityZone"] for s in found} == subnets
    assert {s["VpcId"] for s in found} == {"vpc-0abc"}
