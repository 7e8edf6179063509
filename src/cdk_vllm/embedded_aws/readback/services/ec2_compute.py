"""Reads EC2 security groups and launch templates back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, only

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _security_group(
    client: ClientFactory, physical_id: str, _: Mapping[str, Any]
) -> dict[str, Any]:
    group = only(client("ec2").describe_security_groups(GroupIds=[physical_id])["SecurityGroups"])
    rules = _rules(client, "group-id", physical_id)
    return {
        **listed(group, "GroupId", "GroupName", "Tags", "VpcId"),
        "GroupDescription": group.get("Description"),
        "SecurityGroupIngress": [_as_ingress(rule) for rule in rules if not rule["IsEgress"]],
        "SecurityGroupEgress": [_as_egress(rule) for rule in rules if rule["IsEgress"]],
    }


def _rules(client: ClientFactory, name: str, value: str) -> list[Mapping[str, Any]]:
    pages = client("ec2").get_paginator("describe_security_group_rules")
    rules = [
        rule
        for page in pages.paginate(Filters=[{"Name": name, "Values": [value]}])
        for rule in page["SecurityGroupRules"]
    ]
    said = {k: v for group in {r["GroupId"] for r in rules} for k, v in _said(client, group)}
    return [{"Description": said.get(_key(rule)), **rule} for rule in rules]


def _said(client: ClientFactory, group_id: str) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Yield what a group says of its rules about other groups, which the rules may leave out."""
    group = only(client("ec2").describe_security_groups(GroupIds=[group_id])["SecurityGroups"])
    for is_egress, name in ((False, "IpPermissions"), (True, "IpPermissionsEgress")):
        for permission in group[name]:
            for pair in permission.get("UserIdGroupPairs", []):
                rule = {
                    **permission,
                    "GroupId": group_id,
                    "IsEgress": is_egress,
                    "ReferencedGroupInfo": pair,
                }
                yield _key(rule), pair.get("Description")


def _key(rule: Mapping[str, Any]) -> tuple[Any, ...]:
    ports = (rule.get("FromPort"), rule.get("ToPort"))
    peer = rule.get("ReferencedGroupInfo", {}).get("GroupId")
    return rule["GroupId"], rule["IsEgress"], rule["IpProtocol"], ports, peer


def _as_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **listed(rule, "Description", "FromPort", "GroupId", "IpProtocol", "ToPort"),
        "CidrIp": rule.get("CidrIpv4"),
        "CidrIpv6": rule.get("CidrIpv6"),
    }


def _as_ingress(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_as_rule(rule),
        "SourceSecurityGroupId": rule.get("ReferencedGroupInfo", {}).get("GroupId"),
        "SourcePrefixListId": rule.get("PrefixListId"),
    }


def _as_egress(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_as_rule(rule),
        "DestinationSecurityGroupId": rule.get("ReferencedGroupInfo", {}).get("GroupId"),
        "DestinationPrefixListId": rule.get("PrefixListId"),
    }


def _ingress(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    return _rule(client, physical_id, properties, is_egress=False)


def _egress(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    return _rule(client, physical_id, properties, is_egress=True)


def _rule(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any], *, is_egress: bool
) -> dict[str, Any]:
    """Find a rule by its id, else the rule of the same peer, protocol and ports in its group."""
    as_template = _as_egress if is_egress else _as_ingress
    if physical_id.startswith("sgr-"):
        rules = _rules(client, "security-group-rule-id", physical_id)
        return {**as_template(only(rules)), "Id": physical_id}
    rules = _rules(client, "group-id", properties["GroupId"])
    candidates = (as_template(rule) for rule in rules if rule["IsEgress"] is is_egress)
    wanted = {k: str(v) for k, v in properties.items() if k not in ("Description", "GroupName")}
    return dict(
        only(rule for rule in candidates if all(str(rule.get(k)) == wanted[k] for k in wanted))
    )


def _launch_template(
    client: ClientFactory, physical_id: str, _: Mapping[str, Any]
) -> dict[str, Any]:
    ec2 = client("ec2")
    template = only(
        ec2.describe_launch_templates(LaunchTemplateIds=[physical_id])["LaunchTemplates"]
    )
    versions = ec2.describe_launch_template_versions(
        LaunchTemplateId=physical_id, Versions=["$Latest"]
    )["LaunchTemplateVersions"]
    return {
        **listed(template, "LaunchTemplateId", "LaunchTemplateName"),
        "LaunchTemplateData": only(versions)["LaunchTemplateData"],
        "TagSpecifications": [
            {"ResourceType": "launch-template", "Tags": template.get("Tags") or []}
        ],
        "LatestVersionNumber": template.get("LatestVersionNumber"),
        "DefaultVersionNumber": template.get("DefaultVersionNumber"),
    }


READERS: Mapping[str, Reader] = {
    "AWS::EC2::LaunchTemplate": _launch_template,
    "AWS::EC2::SecurityGroup": _security_group,
    "AWS::EC2::SecurityGroupEgress": _egress,
    "AWS::EC2::SecurityGroupIngress": _ingress,
}
