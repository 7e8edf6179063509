"""EC2: launch templates, endpoints, flow logs and what moto's network models lose."""

from __future__ import annotations

from typing import Any

from .resource import Resource


def tagged(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Return a `TagSpecifications` parameter for the template's `Tags`, or nothing."""
    tags = properties.get("Tags")
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def retag(resource: Resource, properties: dict[str, Any], identity: str | None = None) -> None:
    """Bring a resource's tags to the template's; `identity` where `Ref` gives another thing."""
    if not resource.changed(properties, "Tags"):
        return
    client, ids = resource.client("ec2"), [identity or resource.physical_id]
    wanted = properties.get("Tags") or []
    kept = {tag["Key"] for tag in wanted}
    before = resource.properties.get("Tags") or []
    gone = [{"Key": tag["Key"]} for tag in before if tag["Key"] not in kept]
    if gone:
        client.delete_tags(Resources=ids, Tags=gone)
    if wanted:
        client.create_tags(Resources=ids, Tags=wanted)


class LaunchTemplate(Resource):
    """`AWS::EC2::LaunchTemplate`; `Ref` is its id, a change is a new version."""

    type_name = "AWS::EC2::LaunchTemplate"
    name_property = "LaunchTemplateName"
    name_limit = 128

    def create(self, properties: dict[str, Any]) -> str:
        """Create the template and its first version."""
        answer = self.call("ec2.create_launch_template", properties)
        return str(answer["LaunchTemplate"]["LaunchTemplateId"])

    def update(self, properties: dict[str, Any]) -> None:
        """Add a version, which `LatestVersionNumber` then names."""
        self.call(
            "ec2.create_launch_template_version",
            {
                "LaunchTemplateId": self.physical_id,
                "LaunchTemplateData": properties["LaunchTemplateData"],
            },
        )

    def delete(self) -> None:
        """Delete the template with its versions."""
        self.client("ec2").delete_launch_template(LaunchTemplateId=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return the id, or the latest or default version's number."""
        if name == "LaunchTemplateId":
            return self.physical_id
        if name not in ("LatestVersionNumber", "DefaultVersionNumber"):
            return super().attribute(name)
        answer = self.client("ec2").describe_launch_templates(LaunchTemplateIds=[self.physical_id])
        return str(answer["LaunchTemplates"][0][name])


class VpcEndpoint(Resource):
    """`AWS::EC2::VPCEndpoint`; `Ref` is its id."""

    type_name = "AWS::EC2::VPCEndpoint"
    fixed = frozenset({"ServiceName", "ServiceRegion", "VpcEndpointType", "VpcId"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the endpoint."""
        answer = self.call(
            "ec2.create_vpc_endpoint",
            {**properties, **tagged("vpc-endpoint", properties)},
            without=("Tags",),
        )
        return str(answer["VpcEndpoint"]["VpcEndpointId"])

    def update(self, properties: dict[str, Any]) -> None:
        """Change policy, subnets, route tables and security groups."""
        request: dict[str, Any] = {"VpcEndpointId": self.physical_id}
        if "PolicyDocument" in properties:
            request["PolicyDocument"] = properties["PolicyDocument"]
        for plural, single in (
            ("RouteTableIds", "RouteTableIds"),
            ("SubnetIds", "SubnetIds"),
            ("SecurityGroupIds", "SecurityGroupIds"),
        ):
            had, wanted = self.properties.get(plural, []), properties.get(plural, [])
            request[f"Add{single}"] = [item for item in wanted if item not in had]
            request[f"Remove{single}"] = [item for item in had if item not in wanted]
        changes = {name: value for name, value in request.items() if value}
        self.call("ec2.modify_vpc_endpoint", changes)
        retag(self, properties)

    def delete(self) -> None:
        """Delete the endpoint."""
        self.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[self.physical_id])

    def attribute(self, name: str) -> Any:
        """Return `Id`, or what DescribeVpcEndpoints shows."""
        if name == "Id":
            return self.physical_id
        answer = self.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[self.physical_id])
        endpoint = answer["VpcEndpoints"][0]
        if name == "DnsEntries":
            entries = endpoint.get("DnsEntries", [])
            return [f"{entry.get('HostedZoneId')}:{entry.get('DnsName')}" for entry in entries]
        return endpoint.get(name) if name == "NetworkInterfaceIds" else None


class FlowLog(Resource):
    """`AWS::EC2::FlowLog`; `Ref` is its id, and every change but of tags makes another."""

    type_name = "AWS::EC2::FlowLog"

    def create(self, properties: dict[str, Any]) -> str:
        """Create the flow log of one VPC, subnet or interface."""
        given = {name: value for name, value in properties.items() if name != "ResourceId"}
        answer = self.call(
            "ec2.create_flow_logs",
            {
                **given,
                "ResourceIds": [properties["ResourceId"]],
                **tagged("vpc-flow-log", properties),
            },
            without=("Tags",),
        )
        if answer.get("Unsuccessful"):
            raise ValueError(answer["Unsuccessful"][0]["Error"]["Message"])
        return str(answer["FlowLogIds"][0])

    def must_replace(self, properties: Any) -> bool:
        """Only tags can change in place."""
        names = (self.properties.keys() | properties.keys()) - {"Tags"}
        return self.changed(properties, *names)

    def update(self, properties: dict[str, Any]) -> None:
        """Change the tags."""
        retag(self, properties)

    def delete(self) -> None:
        """Delete the flow log."""
        self.client("ec2").delete_flow_logs(FlowLogIds=[self.physical_id])

    def attribute(self, name: str) -> Any:
        """Return `Id`."""
        return self.physical_id if name == "Id" else None


TYPES = (FlowLog, LaunchTemplate, VpcEndpoint)
