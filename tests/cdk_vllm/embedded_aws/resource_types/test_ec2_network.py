from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def resources(name: str) -> dict[str, Any]:
    tags = [{"Key": "Name", "Value": name}]
    return {
        "Vpc": {
            "Type": "AWS::EC2::VPC",
            "Properties": {
                "CidrBlock": "10.0.0.0/16",
                "EnableDnsHostnames": True,
                "EnableDnsSupport": True,
                "Tags": tags,
            },
        },
        "Public": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "AvailabilityZone": {"Fn::Select": [1, {"Fn::GetAZs": ""}]},
                "CidrBlock": "10.0.0.0/24",
                "MapPublicIpOnLaunch": True,
                "Tags": tags,
                "VpcId": {"Ref": "Vpc"},
            },
        },
        "Table": {
            "Type": "AWS::EC2::RouteTable",
            "Properties": {"Tags": tags, "VpcId": {"Ref": "Vpc"}},
        },
        "Association": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"RouteTableId": {"Ref": "Table"}, "SubnetId": {"Ref": "Public"}},
        },
        "Internet": {"Type": "AWS::EC2::InternetGateway", "Properties": {"Tags": tags}},
        "Attachment": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {"InternetGatewayId": {"Ref": "Internet"}, "VpcId": {"Ref": "Vpc"}},
        },
        "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc", "Tags": tags}},
        "Nat": {
            "Type": "AWS::EC2::NatGateway",
            "Properties": {
                "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]},
                "SubnetId": {"Ref": "Public"},
                "Tags": tags,
            },
        },
        "Default": {
            "Type": "AWS::EC2::Route",
            "DependsOn": "Attachment",
            "Properties": {
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": {"Ref": "Internet"},
                "RouteTableId": {"Ref": "Table"},
            },
        },
    }


def test_a_network_is_read_and_changes(client: Client, deployed: Deployed) -> None:
    ec2, ids = client("ec2"), deployed(**resources("one"))

    def name(shown: dict[str, Any]) -> str:
        return next(str(tag["Value"]) for tag in shown["Tags"] if tag["Key"] == "Name")

    vpc = ec2.describe_vpcs(VpcIds=[ids["Vpc"]])["Vpcs"][0]
    assert (vpc["CidrBlock"], name(vpc)) == ("10.0.0.0/16", "one")
    hostnames = ec2.describe_vpc_attribute(VpcId=ids["Vpc"], Attribute="enableDnsHostnames")
    assert hostnames["EnableDnsHostnames"] == {"Value": True}
    subnet = ec2.describe_subnets(SubnetIds=[ids["Public"]])["Subnets"][0]
    assert (subnet["AvailabilityZone"], subnet["MapPublicIpOnLaunch"]) == ("us-east-1b", True)
    table = ec2.describe_route_tables(RouteTableIds=[ids["Table"]])["RouteTables"][0]
    assert ids["Association"] in [a["RouteTableAssociationId"] for a in table["Associations"]]
    assert ("0.0.0.0/0", ids["Internet"]) in [
        (route.get("DestinationCidrBlock"), route.get("GatewayId")) for route in table["Routes"]
    ]
    nat = ec2.describe_nat_gateways(NatGatewayIds=[ids["Nat"]])["NatGateways"][0]
    assert (nat["SubnetId"], name(nat)) == (ids["Public"], "one")
    assert nat["NatGatewayAddresses"][0]["PublicIp"] == ids["Address"]
    assert deployed(**resources("two")) == ids
    assert name(ec2.describe_vpcs(VpcIds=[ids["Vpc"]])["Vpcs"][0]) == "two"


def test_a_network_goes_whole(client: Client, deployed: Deployed, destroyed: Destroyed) -> None:
    ec2 = client("ec2")
    before = {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]}
    gateways = len(ec2.describe_internet_gateways()["InternetGateways"])
    deployed(**resources("one"))
    destroyed()
    assert {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]} == before
    assert len(ec2.describe_internet_gateways()["InternetGateways"]) == gateways
    assert not ec2.describe_addresses()["Addresses"]


def test_attributes_are_what_cloudformation_gives(create: Callable[..., dict[str, Any]]) -> None:
    wanted = {
        "Vpc": ["VpcId", "CidrBlock", "DefaultSecurityGroup", "DefaultNetworkAcl"],
        "Public": ["AvailabilityZone", "SubnetId", "VpcId"],
        "Table": ["RouteTableId"],
        "Internet": ["InternetGatewayId"],
        "Nat": ["NatGatewayId"],
        "Address": ["PublicIp", "AllocationId"],
    }
    outputs = {
        f"{name}{attribute}": {"Value": {"Fn::GetAtt": [name, attribute]}}
        for name, names in wanted.items()
        for attribute in names
    }
    stack = create({"Resources": resources("one"), "Outputs": outputs})
    values = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert len(values) == 12
    assert values["VpcDefaultSecurityGroup"].startswith("sg-")
    assert values["PublicAvailabilityZone"] == "us-east-1b"
