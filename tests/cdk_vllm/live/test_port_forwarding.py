"""The way to an internal load balancer: the command, the process, and its end."""

from __future__ import annotations

import os
import socket
import sys
from functools import cache
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from cdk_vllm.embedded_aws import install
from cdk_vllm.errors import CdkVllmError, InputError
from cdk_vllm.live import port_forwarding
from cdk_vllm.live.port_forwarding import Forwarding, forwarding, free_port, opened

if TYPE_CHECKING:
    from pathlib import Path

LISTENS = """#!{python}
import os, socket, sys, time
open({mark!r}, "w").write(str(os.getpid()) + " " + " ".join(sys.argv[1:]))
port = int(sys.argv[-1].rpartition("=")[2])
server = socket.create_server(("127.0.0.1", port))
while True:
    server.accept()[0].close()
"""
REFUSES = """#!{python}
import sys
sys.exit("TargetNotConnected: i-0 is not connected.")
"""


class Ssm:
    """Systems Manager of an account with these instances online."""

    def __init__(self, *instances: str) -> None:
        self.instances = instances

    def describe_instance_information(self, **request: Any) -> dict[str, Any]:
        assert request == {"Filters": [{"Key": "PingStatus", "Values": ["Online"]}]}
        return {"InstanceInformationList": [{"InstanceId": name} for name in self.instances]}


def test_the_way_leads_through_the_load_balancers_own_vpc() -> None:
    install()
    with mock_aws():
        make: Any = boto3.client
        client = cache(lambda service: make(service, region_name="us-east-1", **TESTING))
        there, elsewhere = (run_in(client, cidr) for cidr in ("10.1.0.0/16", "10.2.0.0/16"))
        arn = balance(client, there[1])
        online = {"ssm": Ssm(elsewhere[0], there[0])}
        way = forwarding(
            lambda service: online.get(service) or client(service),
            "http://alb/v1",
            "",
            "us-east-1",
            load_balancer=arn,
        )
        online["ssm"] = Ssm(elsewhere[0])
        with pytest.raises(InputError, match="no instance answers Systems Manager"):
            forwarding(
                lambda service: online.get(service) or client(service),
                "http://alb/v1",
                "",
                "us-east-1",
                load_balancer=arn,
            )
    assert way.instance == there[0]


TESTING = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


def run_in(client: Any, cidr: str) -> tuple[str, list[str]]:
    """Run an instance in a new VPC; return it, and the VPC's two subnets."""
    ec2, network = client("ec2"), ip_network(cidr)
    vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    blocks = zip(network.subnets(new_prefix=24), ("us-east-1a", "us-east-1b"), strict=False)
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=str(block), AvailabilityZone=zone)["Subnet"]
        for block, zone in blocks
    ]
    ids = [subnet["SubnetId"] for subnet in subnets]
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    run = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=ids[0])
    return run["Instances"][0]["InstanceId"], ids


def balance(client: Any, subnets: list[str]) -> str:
    made = client("elbv2").create_load_balancer(Name="alb", Subnets=subnets)
    return str(made["LoadBalancers"][0]["LoadBalancerArn"])


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch, aws: str) -> Path:
    mark = folder / "mark"
    text = aws.format(python=sys.executable, mark=str(mark))
    for name in ("aws", "session-manager-plugin"):
        program = folder / name
        program.write_text(text)
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return mark


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://alb/v1", 80), ("https://alb/v1", 443), ("http://alb:8000/v1", 8000)],
)
def test_the_command_leads_to_the_load_balancer_s_port(url: str, port: int) -> None:
    way = forwarding(lambda _: Ssm("i-1", "i-2"), url, "", "eu-central-1", port_here=9000)
    assert way == Forwarding("i-1", "alb", port, 9000, "eu-central-1")
    assert way.command()[-1] == f"host=alb,portNumber={port},localPortNumber=9000"
    assert way.command()[way.command().index("--target") + 1] == "i-1"


def test_an_instance_may_be_named_and_one_is_needed() -> None:
    assert forwarding(lambda _: Ssm(), "http://alb/v1", "i-9", "eu-central-1").instance == "i-9"
    with pytest.raises(InputError, match="--through"):
        forwarding(lambda _: Ssm(), "http://alb/v1", "", "eu-central-1")


def test_a_way_is_open_within_the_block_and_its_process_gone_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = programs(tmp_path, monkeypatch, LISTENS)
    way = Forwarding("i-1", "alb", 80, free_port(), "eu-central-1")
    with opened(way):
        socket.create_connection(("127.0.0.1", way.port_here), timeout=5).close()
        process, _, words = mark.read_text().partition(" ")
        assert words.startswith("ssm start-session --region eu-central-1 --target i-1")
    with pytest.raises(ProcessLookupError):
        os.kill(int(process), 0)


def test_what_systems_manager_says_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(tmp_path, monkeypatch, REFUSES)
    way = Forwarding("i-0", "alb", 80, free_port(), "eu-central-1")
    with pytest.raises(CdkVllmError, match="TargetNotConnected"), opened(way):
        pass


def test_a_missing_plugin_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    way = Forwarding("i-0", "alb", 80, 9000, "eu-central-1")
    with pytest.raises(CdkVllmError, match="aws is not installed"), opened(way):
        pass
    assert port_forwarding.OPEN_SECONDS > 5
