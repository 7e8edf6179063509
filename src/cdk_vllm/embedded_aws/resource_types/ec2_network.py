"""EC2: networks. moto's models of these lose tags and flags, and most cannot be deleted."""

from __future__ import annotations

from typing import Any

from .ec2 import retag, tagged
from .resource import Resource


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


class _Tagged(Resource):
    """A resource whose kind is its tag specification's and whose tags change in place."""

    kind: str

    def tagged_call(self, operation: str, properties: dict[str, Any], *without: str) -> Any:
        """Call with the tags spelled as the API wants them."""
        given = {**properties, **tagged(self.kind, properties)}
        return self.call(operation, given, without=("Tags", *without))

    def update(self, properties: dict[str, Any]) -> None:
        """Change the tags."""
        retag(self, properties)


class Vpc(_Tagged):
    """`AWS::EC2::VPC`; `Ref` is its id."""

    type_name = "AWS::EC2::VPC"
    kind = "vpc"
    fixed = frozenset({"CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the VPC and set its DNS flags."""
        answer = self.tagged_call(
            "ec2.create_vpc", properties, "EnableDnsHostnames", "EnableDnsSupport"
        )
        self.physical_id = str(answer["Vpc"]["VpcId"])
        self._set_dns(properties)
        return self.physical_id

    def _set_dns(self, properties: dict[str, Any]) -> None:
        for name, absent in (("EnableDnsSupport", True), ("EnableDnsHostnames", False)):
            value = {"Value": _is_true(properties.get(name, absent))}
            self.client("ec2").modify_vpc_attribute(VpcId=self.physical_id, **{name: value})

    def update(self, properties: dict[str, Any]) -> None:
        """Change DNS flags and tags."""
        self._set_dns(properties)
        super().update(properties)

    def delete(self) -> None:
        """Delete the VPC."""
        self.client("ec2").delete_vpc(VpcId=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return the id, the blocks, or the default network ACL's or security group's id."""
        if name == "VpcId":
            return self.physical_id
        client, here = self.client("ec2"), [{"Name": "vpc-id", "Values": [self.physical_id]}]
        if name == "DefaultSecurityGroup":
            where = [*here, {"Name": "group-name", "Values": ["default"]}]
            groups = client.describe_security_groups(Filters=where)["SecurityGroups"]
            return groups[0]["GroupId"]
        if name == "DefaultNetworkAcl":
            acls = client.describe_network_acls(Filters=here)["NetworkAcls"]
            return next(acl["NetworkAclId"] for acl in acls if acl["IsDefault"])
        vpc = client.describe_vpcs(VpcIds=[self.physical_id])["Vpcs"][0]
        if name == "CidrBlockAssociations":
            return [item["AssociationId"] for item in vpc["CidrBlockAssociationSet"]]
        if name == "Ipv6CidrBlocks":
            blocks = vpc.get("Ipv6CidrBlockAssociationSet", [])
            return [item["Ipv6CidrBlock"] for item in blocks]
        return vpc["CidrBlock"] if name == "CidrBlock" else None


class Subnet(_Tagged):
    """`AWS::EC2::Subnet`; `Ref` is its id."""

    type_name = "AWS::EC2::Subnet"
    kind = "subnet"
    fixed = frozenset({"AvailabilityZone", "CidrBlock", "VpcId"})

    _FLAGS = ("AssignIpv6AddressOnCreation", "MapPublicIpOnLaunch")

    def create(self, properties: dict[str, Any]) -> str:
        """Create the subnet and set its flags."""
        answer = self.tagged_call("ec2.create_subnet", properties, *self._FLAGS)
        self.physical_id = str(answer["Subnet"]["SubnetId"])
        self._set_flags(properties)
        return self.physical_id

    def _set_flags(self, properties: dict[str, Any]) -> None:
        for name in self._FLAGS:
            if name in properties:
                value = {"Value": _is_true(properties[name])}
                self.client("ec2").modify_subnet_attribute(
                    SubnetId=self.physical_id, **{name: value}
                )

    def update(self, properties: dict[str, Any]) -> None:
        """Change flags and tags."""
        self._set_flags(properties)
        super().update(properties)

    def delete(self) -> None:
        """Delete the subnet."""
        self.client("ec2").delete_subnet(SubnetId=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return what DescribeSubnets shows under the same name."""
        if name == "NetworkAclAssociationId":
            here = [{"Name": "association.subnet-id", "Values": [self.physical_id]}]
            acls = self.client("ec2").describe_network_acls(Filters=here)["NetworkAcls"]
            found = [
                a for acl in acls for a in acl["Associations"] if a["SubnetId"] == self.physical_id
            ]
            return found[0]["NetworkAclAssociationId"] if found else None
        shown = self.client("ec2").describe_subnets(SubnetIds=[self.physical_id])["Subnets"][0]
        known = ("AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "SubnetId", "VpcId")
        return shown.get(name) if name in known else None


class RouteTable(_Tagged):
    """`AWS::EC2::RouteTable`; `Ref` is its id."""

    type_name = "AWS::EC2::RouteTable"
    kind = "route-table"
    fixed = frozenset({"VpcId"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the route table."""
        answer = self.tagged_call("ec2.create_route_table", properties)
        return str(answer["RouteTable"]["RouteTableId"])

    def delete(self) -> None:
        """Delete the route table."""
        self.client("ec2").delete_route_table(RouteTableId=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `RouteTableId`."""
        return self.physical_id if name == "RouteTableId" else None


class Route(Resource):
    """`AWS::EC2::Route`; `Ref` is the table's id and the destination."""

    type_name = "AWS::EC2::Route"
    _DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    fixed = frozenset({"RouteTableId", *_DESTINATIONS})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the route."""
        self.call("ec2.create_route", properties)
        return f"{properties['RouteTableId']}|{next(iter(self._destination(properties).values()))}"

    def _destination(self, properties: dict[str, Any]) -> dict[str, Any]:
        return {name: properties[name] for name in self._DESTINATIONS if name in properties}

    def update(self, properties: dict[str, Any]) -> None:
        """Point the route elsewhere."""
        self.call("ec2.replace_route", properties)

    def delete(self) -> None:
        """Delete the route."""
        self.client("ec2").delete_route(
            RouteTableId=self.properties["RouteTableId"], **self._destination(self.properties)
        )

    def attribute(self, name: str) -> Any:
        """Return `CidrBlock`."""
        return self.properties.get("DestinationCidrBlock") if name == "CidrBlock" else None


class SubnetRouteTableAssociation(Resource):
    """`AWS::EC2::SubnetRouteTableAssociation`; `Ref` is its id."""

    type_name = "AWS::EC2::SubnetRouteTableAssociation"

    def create(self, properties: dict[str, Any]) -> str:
        """Associate."""
        return str(self.call("ec2.associate_route_table", properties)["AssociationId"])

    def delete(self) -> None:
        """Disassociate."""
        self.client("ec2").disassociate_route_table(AssociationId=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `Id`."""
        return self.physical_id if name == "Id" else None


class InternetGateway(_Tagged):
    """`AWS::EC2::InternetGateway`; `Ref` is its id."""

    type_name = "AWS::EC2::InternetGateway"
    kind = "internet-gateway"

    def create(self, properties: dict[str, Any]) -> str:
        """Create the gateway."""
        answer = self.tagged_call("ec2.create_internet_gateway", properties)
        return str(answer["InternetGateway"]["InternetGatewayId"])

    def delete(self) -> None:
        """Delete the gateway."""
        self.client("ec2").delete_internet_gateway(InternetGatewayId=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `InternetGatewayId`."""
        return self.physical_id if name == "InternetGatewayId" else None


class VpcGatewayAttachment(Resource):
    """`AWS::EC2::VPCGatewayAttachment`; `Ref` is kind and VPC."""

    type_name = "AWS::EC2::VPCGatewayAttachment"

    def create(self, properties: dict[str, Any]) -> str:
        """Attach the gateway."""
        if "InternetGatewayId" in properties:
            self.call("ec2.attach_internet_gateway", properties)
            return f"IGW|{properties['VpcId']}"
        self.call("ec2.attach_vpn_gateway", properties)
        return f"VGW|{properties['VpcId']}"

    def delete(self) -> None:
        """Detach the gateway."""
        kind = "internet" if "InternetGatewayId" in self.properties else "vpn"
        self.call(f"ec2.detach_{kind}_gateway", self.properties)

    def attribute(self, name: str) -> Any:
        """Return `AttachmentType`."""
        return self.physical_id.split("|")[0] if name == "AttachmentType" else None


class NatGateway(_Tagged):
    """`AWS::EC2::NatGateway`; `Ref` is its id."""

    type_name = "AWS::EC2::NatGateway"
    kind = "natgateway"
    fixed = frozenset({"AllocationId", "ConnectivityType", "PrivateIpAddress", "SubnetId"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the gateway."""
        answer = self.tagged_call("ec2.create_nat_gateway", properties, "MaxDrainDurationSeconds")
        return str(answer["NatGateway"]["NatGatewayId"])

    def delete(self) -> None:
        """Delete the gateway; its address becomes free, which moto forgets."""
        client = self.client("ec2")
        client.delete_nat_gateway(NatGatewayId=self.physical_id)
        allocation = self.properties.get("AllocationId")
        if allocation:
            shown = client.describe_addresses(AllocationIds=[allocation])["Addresses"]
            for address in shown:
                if "AssociationId" in address:
                    client.disassociate_address(AssociationId=address["AssociationId"])

    def attribute(self, name: str) -> Any:
        """Return `NatGatewayId`."""
        return self.physical_id if name == "NatGatewayId" else None


class Eip(_Tagged):
    """`AWS::EC2::EIP`; `Ref` is the address."""

    type_name = "AWS::EC2::EIP"
    kind = "elastic-ip"
    fixed = frozenset({"Domain", "NetworkBorderGroup", "PublicIpv4Pool"})

    def create(self, properties: dict[str, Any]) -> str:
        """Allocate the address."""
        answer = self.tagged_call("ec2.allocate_address", properties, "InstanceId")
        if "InstanceId" in properties:
            self.client("ec2").associate_address(
                AllocationId=answer["AllocationId"], InstanceId=properties["InstanceId"]
            )
        return str(answer["PublicIp"])

    def update(self, properties: dict[str, Any]) -> None:
        """Change the tags."""
        retag(self, properties, self._allocation())

    def _allocation(self) -> str:
        shown = self.client("ec2").describe_addresses(PublicIps=[self.physical_id])
        return str(shown["Addresses"][0]["AllocationId"])

    def delete(self) -> None:
        """Release the address."""
        self.client("ec2").release_address(AllocationId=self._allocation())

    def attribute(self, name: str) -> Any:
        """Return `AllocationId` or `PublicIp`."""
        if name == "PublicIp":
            return self.physical_id
        return self._allocation() if name == "AllocationId" else None


TYPES = (
    Eip,
    InternetGateway,
    NatGateway,
    Route,
    RouteTable,
    Subnet,
    SubnetRouteTableAssociation,
    Vpc,
    VpcGatewayAttachment,
)
