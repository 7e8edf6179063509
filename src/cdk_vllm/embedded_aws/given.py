"""What an app takes as given in its account, put there before it is deployed.

AWS chooses the ids of networks and subnets, and an environment file names existing ones; so they
are made here under the ids that the file names, which no service's API would allow.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    ClientFactory = Callable[[str], Any]

NETWORK = ip_network("10.64.0.0/16")


def vpc(client: ClientFactory, vpc_id: str, subnets: Mapping[str, str]) -> None:
    """Make the VPC `vpc_id` with its private `subnets`, subnet id -> availability zone."""
    # moto has no custom ids for networks: its generators are stood in for.
    ec2 = client("ec2")
    with patch("moto.ec2.models.vpcs.random_vpc_id", lambda: vpc_id):
        ec2.create_vpc(CidrBlock=str(NETWORK))
    cidrs = NETWORK.subnets(new_prefix=20)
    for subnet_id, zone in subnets.items():
        with patch("moto.ec2.models.subnets.random_subnet_id", lambda chosen=subnet_id: chosen):
            ec2.create_subnet(VpcId=vpc_id, CidrBlock=str(next(cidrs)), AvailabilityZone=zone)
