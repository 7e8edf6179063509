"""A way to an internal load balancer: Systems Manager's port forwarding through an instance."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cdk_vllm.errors import CdkVllmError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.live.stacks import ClientFactory

DOCUMENT = "AWS-StartPortForwardingSessionToRemoteHost"
OPEN_SECONDS = 30


@dataclass(frozen=True)
class Forwarding:
    """A port of this machine, the host and port it leads to, and the instance in between."""

    instance: str
    host: str
    port: int
    port_here: int
    region: str

    def command(self) -> list[str]:
        """Return the words of the AWS CLI's command that opens it."""
        parameters = f"host={self.host},portNumber={self.port},localPortNumber={self.port_here}"
        words = ["aws", "ssm", "start-session", "--region", self.region]
        words += ["--target", self.instance, "--document-name", DOCUMENT]
        return [*words, "--parameters", parameters]


def forwarding(
    client: ClientFactory,
    base_url: str,
    instance: str,
    region: str,
    *,
    load_balancer: str = "",
    port_here: int = 0,
) -> Forwarding:
    """Return how to reach `base_url` through an instance; without one, through one of its VPC's.

    `load_balancer` is the ARN of the one at `base_url`; without it any VPC will do.

    Raises:
        InputError: no instance there answers Systems Manager.
    """
    place = urlsplit(base_url)
    port = place.port or (443 if place.scheme == "https" else 80)
    here = port_here or free_port()
    through = instance or _online(client, load_balancer)
    return Forwarding(through, place.hostname or "", port, here, region)


def _online(client: ClientFactory, load_balancer: str) -> str:
    answer = client("ssm").describe_instance_information(
        Filters=[{"Key": "PingStatus", "Values": ["Online"]}]
    )
    found = [str(i["InstanceId"]) for i in answer["InstanceInformationList"]]
    if found and load_balancer:
        found = _beside(client, load_balancer, found)
    if not found:
        raise InputError(
            "no instance answers Systems Manager, so there is no way to an internal load balancer; "
            "name one in its VPC with --through, or run this inside the VPC"
        )
    return found[0]


def _beside(client: ClientFactory, load_balancer: str, instances: list[str]) -> list[str]:
    """Return those of the instances that are in the load balancer's VPC."""
    answer = client("elbv2").describe_load_balancers(LoadBalancerArns=[load_balancer])
    pages = client("ec2").get_paginator("describe_instances")
    own = [{"Name": "vpc-id", "Values": [answer["LoadBalancers"][0]["VpcId"]]}]
    there = {
        instance["InstanceId"]
        for page in pages.paginate(Filters=own)
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    }
    return [instance for instance in instances if instance in there]


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def opened(way: Forwarding, *, seconds: float = OPEN_SECONDS) -> Iterator[None]:
    """Open the way, and close it again by its own process, whatever happens.

    Raises:
        CdkVllmError: the AWS CLI or its Session Manager plugin is missing, or does not connect.
    """
    for program in ("aws", "session-manager-plugin"):
        if shutil.which(program) is None:
            raise CdkVllmError(f"{program} is not installed; port forwarding needs it")
    process = subprocess.Popen(
        way.command(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        _wait(process, way, seconds)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr:
            process.stderr.close()


def _wait(process: subprocess.Popen[str], way: Forwarding, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            said = process.stderr.read().strip() if process.stderr else ""
            raise CdkVllmError(f"Systems Manager did not open a way: {said or 'it said nothing'}")
        try:
            socket.create_connection(("127.0.0.1", way.port_here), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise CdkVllmError(f"Systems Manager opened no way through {way.instance} in {seconds:.0f} s")
