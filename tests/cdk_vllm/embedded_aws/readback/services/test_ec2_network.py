from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any
NAME = [{"Key": "Name", "Value": "x"}]


@pytest.fixture
def vpc_id(client: Client) -> str:
    vpc = client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    client("ec2").create_tags(Resources=[vpc], Tags=NAME)
    return str(vpc)


@pytest.fixture
def subnet_id(client: Client, vpc_id: str) -> str:
    answer = client("ec2").create_subnet(
        VpcId=vpc_id, CidrBlock="10.0.0.0/24", AvailabilityZone="us-east-1b"
    )
    return str(answer["Subnet"]["SubnetId"])


@pytest.fixture
def table_id(client: Client, vpc_id: str) -> str:
    return str(client("ec2").create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"])


def test_vpc(client: Client, wrong: Wrong, vpc_id: str) -> None:
    written = {
        "CidrBlock": "10.0.0.0/16",
        "EnableDnsHostnames": True,
        "EnableDnsSupport": True,
        "InstanceTenancy": "default",
        "Tags": NAME,
    }
    assert wrong("EC2::VPC", vpc_id, written) == ["EnableDnsHostnames should be true but is false"]
    client("ec2").modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    assert wrong("EC2::VPC", vpc_id, written) == []
    assert not exists(client, "AWS::EC2::VPC", "vpc-0123456789abcdef0")


def test_subnet(wrong: Wrong, client: Client, vpc_id: str, subnet_id: str) -> None:
    client("ec2").modify_subnet_attribute(SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": True})
    written = {
        "AvailabilityZone": "us-east-1b",
        "CidrBlock": "10.0.0.0/24",
        "MapPublicIpOnLaunch": True,
        "VpcId": vpc_id,
    }
    assert wrong("EC2::Subnet", subnet_id, written) == []


def test_internet_route(wrong: Wrong, client: Client, vpc_id: str, table_id: str) -> None:
    ec2 = client("ec2")
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    attachment = {"InternetGatewayId": gateway, "VpcId": vpc_id}
    assert not exists(client, "AWS::EC2::VPCGatewayAttachment", f"IGW|{vpc_id}")
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    assert wrong("EC2::InternetGateway", gateway, {}) == []
    assert wrong("EC2::VPCGatewayAttachment", f"IGW|{vpc_id}", attachment) == []

    route = {"RouteTableId": table_id, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway}
    assert not exists(client, "AWS::EC2::Route", f"{table_id}|0.0.0.0/0", route)
    ec2.create_route(**route)
    assert wrong("EC2::Route", f"{table_id}|0.0.0.0/0", route) == []
    assert exists(client, "AWS::EC2::Route", f"{table_id}|0.0.0.0/0")
    assert not exists(client, "AWS::EC2::Route", f"{table_id}|10.9.0.0/16")
    assert wrong("EC2::RouteTable", table_id, {"VpcId": vpc_id}) == []


def test_association(wrong: Wrong, client: Client, subnet_id: str, table_id: str) -> None:
    kind = "AWS::EC2::SubnetRouteTableAssociation"
    written = {"RouteTableId": table_id, "SubnetId": subnet_id}
    assert not exists(client, kind, "rtbassoc-1", written)
    association = client("ec2").associate_route_table(**written)["AssociationId"]
    assert wrong("EC2::SubnetRouteTableAssociation", association, written) == []
    assert exists(client, kind, association)


def test_nat_gateway(wrong: Wrong, client: Client, subnet_id: str) -> None:
    ec2 = client("ec2")
    address = ec2.allocate_address(Domain="vpc")
    written = {"AllocationId": address["AllocationId"], "SubnetId": subnet_id}
    nat = ec2.create_nat_gateway(**written)["NatGateway"]["NatGatewayId"]
    assert wrong("EC2::NatGateway", nat, written) == []
    for physical_id in (address["PublicIp"], address["AllocationId"]):
        assert wrong("EC2::EIP", physical_id, {"Domain": "vpc"}) == []
    ec2.delete_nat_gateway(NatGatewayId=nat)
    assert not exists(client, "AWS::EC2::NatGateway", nat)


def test_endpoints(
    wrong: Wrong, client: Client, vpc_id: str, subnet_id: str, table_id: str
) -> None:
    ec2 = client("ec2")
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc_id)["GroupId"]
    gateway = {
        "RouteTableIds": [table_id],
        "ServiceName": "com.amazonaws.us-east-1.s3",
        "VpcEndpointType": "Gateway",
        "VpcId": vpc_id,
    }
    interface = {
        "PrivateDnsEnabled": True,
        "SecurityGroupIds": [group],
        "ServiceName": "com.amazonaws.us-east-1.ecr.dkr",
        "SubnetIds": [subnet_id],
        "VpcEndpointType": "Interface",
        "VpcId": vpc_id,
    }
    for written in (gateway, interface):
        endpoint = ec2.create_vpc_endpoint(**written)["VpcEndpoint"]["VpcEndpointId"]
        assert wrong("EC2::VPCEndpoint", endpoint, written) == []


def test_flow_log(wrong: Wrong, client: Client, vpc_id: str) -> None:
    client("s3").create_bucket(Bucket="flows")
    written = {
        "LogDestination": "arn:aws:s3:::flows",
        "LogDestinationType": "s3",
        "MaxAggregationInterval": 60,
        "ResourceType": "VPC",
        "TrafficType": "REJECT",
    }
    answer = client("ec2").create_flow_logs(ResourceIds=[vpc_id], **written)
    (log,) = answer["FlowLogIds"]
    assert wrong("EC2::FlowLog", log, {**written, "ResourceId": vpc_id}) == []
