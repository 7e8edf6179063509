"""Reads EC2 networks back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader

_GONE = ("deleted", "deleting")


def _vpc(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    ec2 = client("ec2")
    vpc = only(ec2.describe_vpcs(VpcIds=[physical_id])["Vpcs"])
    flags = {
        name: ec2.describe_vpc_attribute(VpcId=physical_id, Attribute=attribute)[name]["Value"]
        for name, attribute in (
            ("EnableDnsHostnames", "enableDnsHostnames"),
            ("EnableDnsSupport", "enableDnsSupport"),
        )
    }
    groups = ec2.describe_security_groups(
        Filters=[
            {"Name": "vpc-id", "Values": [physical_id]},
            {"Name": "group-name", "Values": ["default"]},
        ]
    )["SecurityGroups"]
    return {
        **listed(vpc, "CidrBlock", "InstanceTenancy", "Tags", "VpcId"),
        **flags,
        "DefaultSecurityGroup": groups[0]["GroupId"] if groups else None,
    }


def _subnet(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    subnet = only(client("ec2").describe_subnets(SubnetIds=[physical_id])["Subnets"])
    return listed(
        subnet,
        "AvailabilityZone",
        "CidrBlock",
        "MapPublicIpOnLaunch",
        "AssignIpv6AddressOnCreation",
        "SubnetId",
        "Tags",
        "VpcId",
    )


def _internet_gateway(
    client: ClientFactory, physical_id: str, _: Mapping[str, Any]
) -> dict[str, Any]:
    answer = client("ec2").describe_internet_gateways(InternetGatewayIds=[physical_id])
    return listed(only(answer["InternetGateways"]), "InternetGatewayId", "Tags")


def _gateway_attachment(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    vpc_id = properties.get("VpcId") or _part(r"vpc-[0-9a-f]+", physical_id)
    gateways = client("ec2").describe_internet_gateways(
        Filters=[{"Name": "attachment.vpc-id", "Values": [vpc_id]}]
    )["InternetGateways"]
    gateway = only(gateways)
    attachment = only(a for a in gateway["Attachments"] if a["VpcId"] == vpc_id)
    return listed({**attachment, **gateway}, "InternetGatewayId", "VpcId")


def _route_table(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    answer = client("ec2").describe_route_tables(RouteTableIds=[physical_id])
    return listed(only(answer["RouteTables"]), "RouteTableId", "Tags", "VpcId")


def _route(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    table_id = properties.get("RouteTableId") or _part(r"rtb-[0-9a-f]+", physical_id)
    tables = client("ec2").describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    kinds = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    wanted = {properties[kind] for kind in kinds if kind in properties}
    route = only(
        route
        for route in only(tables)["Routes"]
        for place in (route.get(kind) for kind in kinds)
        if place and (place in wanted if wanted else physical_id.endswith(place))
    )
    return {
        **listed(
            route,
            *kinds,
            "GatewayId",
            "NatGatewayId",
            "NetworkInterfaceId",
            "TransitGatewayId",
            "VpcPeeringConnectionId",
            "EgressOnlyInternetGatewayId",
        ),
        "RouteTableId": table_id,
    }


def _association(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    """Find the association by its id, else by its subnet."""
    tables = client("ec2").get_paginator("describe_route_tables").paginate()
    subnet_id = properties.get("SubnetId")
    association = only(
        association
        for page in tables
        for table in page["RouteTables"]
        for association in table["Associations"]
        if physical_id == association["RouteTableAssociationId"]
        or (subnet_id and subnet_id == association.get("SubnetId"))
    )
    return listed(association, "RouteTableId", "SubnetId")


def _nat_gateway(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    answer = client("ec2").describe_nat_gateways(NatGatewayIds=[physical_id])
    gateway = only(g for g in answer["NatGateways"] if g.get("State") not in _GONE)
    addresses = gateway.get("NatGatewayAddresses") or [{}]
    return {
        **listed(gateway, "ConnectivityType", "NatGatewayId", "SubnetId", "Tags", "VpcId"),
        **listed(addresses[0], "AllocationId"),
    }


def _elastic_ip(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    # CloudFormation gives the address; older moto versions give the allocation.
    kind = "AllocationIds" if physical_id.startswith("eipalloc-") else "PublicIps"
    address = only(client("ec2").describe_addresses(**{kind: [physical_id]})["Addresses"])
    return listed(address, "AllocationId", "Domain", "PublicIp", "Tags")


def _vpc_endpoint(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    answer = client("ec2").describe_vpc_endpoints(VpcEndpointIds=[physical_id])
    endpoint = only(e for e in answer["VpcEndpoints"] if e.get("State") not in _GONE)
    return {
        **listed(
            endpoint,
            "PolicyDocument",
            "PrivateDnsEnabled",
            "RouteTableIds",
            "ServiceName",
            "SubnetIds",
            "Tags",
            "VpcEndpointType",
            "VpcId",
        ),
        "SecurityGroupIds": [group["GroupId"] for group in endpoint.get("Groups", [])],
        "Id": endpoint["VpcEndpointId"],
    }


def _flow_log(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    log = only(client("ec2").describe_flow_logs(FlowLogIds=[physical_id])["FlowLogs"])
    kinds = {"vpc": "VPC", "subnet": "Subnet", "eni": "NetworkInterface"}
    return {
        **listed(
            log,
            "DeliverLogsPermissionArn",
            "LogDestination",
            "LogDestinationType",
            "LogFormat",
            "LogGroupName",
            "MaxAggregationInterval",
            "ResourceId",
            "Tags",
            "TrafficType",
        ),
        "ResourceType": kinds.get(log.get("ResourceId", "").split("-")[0]),
        "Id": log["FlowLogId"],
    }


def _part(pattern: str, text: str) -> str:
    return str(only(re.findall(pattern, text)))


READERS: Mapping[str, Reader] = {
    "AWS::EC2::EIP": _elastic_ip,
    "AWS::EC2::FlowLog": _flow_log,
    "AWS::EC2::InternetGateway": _internet_gateway,
    "AWS::EC2::NatGateway": _nat_gateway,
    "AWS::EC2::Route": _route,
    "AWS::EC2::RouteTable": _route_table,
    "AWS::EC2::Subnet": _subnet,
    "AWS::EC2::SubnetRouteTableAssociation": _association,
    "AWS::EC2::VPC": _vpc,
    "AWS::EC2::VPCEndpoint": _vpc_endpoint,
    "AWS::EC2::VPCGatewayAttachment": _gateway_attachment,
}
