"""EC2: security groups and their rules, inline or apart."""

from __future__ import annotations

from typing import Any

from .ec2 import retag, tagged
from .resource import Resource

_EVERYTHING = [
    {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
]
_DIRECTIONS = {"SecurityGroupIngress": "ingress", "SecurityGroupEgress": "egress"}


_PEERS = {
    "CidrIp": ("IpRanges", "CidrIp"),
    "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "DestinationPrefixListId": ("PrefixListIds", "PrefixListId"),
    "DestinationSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "SourcePrefixListId": ("PrefixListIds", "PrefixListId"),
    "SourceSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "SourceSecurityGroupName": ("UserIdGroupPairs", "GroupName"),
}
"""CloudFormation's property for a rule's peer: the API's list, and the name within it."""


def permission(rule: dict[str, Any]) -> dict[str, Any]:
    """Return CloudFormation's flat rule as the API's nested one."""
    nested: dict[str, Any] = {"IpProtocol": str(rule["IpProtocol"])}
    for name in ("FromPort", "ToPort"):
        if name in rule:
            nested[name] = int(rule[name])
    described = {"Description": rule["Description"]} if "Description" in rule else {}
    for name, (listed, key) in _PEERS.items():
        if name in rule:
            nested[listed] = [{key: rule[name], **described}]
    return nested


class SecurityGroup(Resource):
    """`AWS::EC2::SecurityGroup`; `Ref` is its id."""

    type_name = "AWS::EC2::SecurityGroup"
    name_property = "GroupName"
    name_limit = 255
    fixed = frozenset({"GroupDescription", "VpcId"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the group; egress rules in the template take the place of the open one."""
        request: dict[str, Any] = {
            "GroupName": properties["GroupName"],
            "Description": properties["GroupDescription"],
            **tagged("security-group", properties),
        }
        if "VpcId" in properties:
            request["VpcId"] = properties["VpcId"]
        self.physical_id = str(self.client("ec2").create_security_group(**request)["GroupId"])
        if properties.get("SecurityGroupEgress"):
            self._each("revoke", "egress", _EVERYTHING)
        for name, direction in _DIRECTIONS.items():
            self._each("authorize", direction, _permissions(properties, name))
        return self.physical_id

    def update(self, properties: dict[str, Any]) -> None:
        """Revoke the rules that are gone and authorize the new ones."""
        for name, direction in _DIRECTIONS.items():
            had = _permissions(self.properties, name) or _open(name)
            wanted = _permissions(properties, name) or _open(name)
            self._each("revoke", direction, [rule for rule in had if rule not in wanted])
            self._each("authorize", direction, [rule for rule in wanted if rule not in had])
        retag(self, properties)

    def _each(self, verb: str, direction: str, permissions: list[dict[str, Any]]) -> None:
        # moto compares whole rules with their descriptions, so each goes in a call of its own.
        method = getattr(self.client("ec2"), f"{verb}_security_group_{direction}")
        for rule in permissions:
            method(GroupId=self.physical_id, IpPermissions=[rule])

    def delete(self) -> None:
        """Delete the group."""
        self.client("ec2").delete_security_group(GroupId=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return the id (`GroupId`, `Id`) or `VpcId`."""
        if name in ("GroupId", "Id"):
            return self.physical_id
        return self.properties.get("VpcId") if name == "VpcId" else None


def _permissions(properties: dict[str, Any], name: str) -> list[dict[str, Any]]:
    permissions: list[dict[str, Any]] = []
    for rule in properties.get(name) or []:
        nested = permission(rule)
        if nested not in permissions:
            permissions.append(nested)
    return permissions


def _open(name: str) -> list[dict[str, Any]]:
    return _EVERYTHING if name == "SecurityGroupEgress" else []


class _Rule(Resource):
    """One rule of a group that stands elsewhere; `Ref` is the rule's id."""

    direction: str

    def create(self, properties: dict[str, Any]) -> str:
        """Authorize the rule."""
        method = getattr(self.client("ec2"), f"authorize_security_group_{self.direction}")
        answer = method(GroupId=self._group(properties), IpPermissions=[permission(properties)])
        return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def _group(self, properties: dict[str, Any]) -> str:
        if "GroupId" in properties:
            return str(properties["GroupId"])
        named = self.client("ec2").describe_security_groups(GroupNames=[properties["GroupName"]])
        return str(named["SecurityGroups"][0]["GroupId"])

    def delete(self) -> None:
        """Revoke the rule."""
        method = getattr(self.client("ec2"), f"revoke_security_group_{self.direction}")
        method(GroupId=self._group(self.properties), IpPermissions=[permission(self.properties)])

    def attribute(self, name: str) -> Any:
        """Return `Id`."""
        return self.physical_id if name == "Id" else None


class SecurityGroupIngress(_Rule):
    """`AWS::EC2::SecurityGroupIngress`."""

    type_name = "AWS::EC2::SecurityGroupIngress"
    direction = "ingress"


class SecurityGroupEgress(_Rule):
    """`AWS::EC2::SecurityGroupEgress`."""

    type_name = "AWS::EC2::SecurityGroupEgress"
    direction = "egress"


TYPES = (SecurityGroup, SecurityGroupEgress, SecurityGroupIngress)
