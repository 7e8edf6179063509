from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def resources(port: int, *, apart: bool = True) -> dict[str, Any]:
    rule = {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "Description": "vLLM",
    }
    separate = {
        "In": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                **rule,
                "GroupId": {"Fn::GetAtt": ["Tasks", "GroupId"]},
                "SourceSecurityGroupId": {"Fn::GetAtt": ["Door", "GroupId"]},
            },
        },
        "Out": {
            "Type": "AWS::EC2::SecurityGroupEgress",
            "Properties": {
                **rule,
                "GroupId": {"Fn::GetAtt": ["Door", "GroupId"]},
                "DestinationSecurityGroupId": {"Fn::GetAtt": ["Tasks", "GroupId"]},
            },
        },
    }
    group = {"VpcId": {"Ref": "Vpc"}, "GroupDescription": "g"}
    closed = [{"CidrIp": "255.255.255.255/32", "IpProtocol": "icmp", "FromPort": 252, "ToPort": 86}]
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Door": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                **group,
                "SecurityGroupIngress": [{**rule, "CidrIp": "10.0.0.0/16"}],
                "SecurityGroupEgress": closed,
            },
        },
        "Tasks": {"Type": "AWS::EC2::SecurityGroup", "Properties": group},
        **(separate if apart else {}),
    }


def rules(client: Client, group: str, *, egress: bool) -> list[dict[str, Any]]:
    where = [{"Name": "group-id", "Values": [group]}]
    shown = client("ec2").describe_security_group_rules(Filters=where)["SecurityGroupRules"]
    return [rule for rule in shown if rule["IsEgress"] is egress]


def test_groups_and_rules_are_read_and_change(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    ids = deployed(**resources(8000))
    (inline,) = rules(client, ids["Door"], egress=False)
    assert (inline["FromPort"], inline["CidrIpv4"], inline["Description"]) == (
        8000,
        "10.0.0.0/16",
        "vLLM",
    )
    out = {rule["SecurityGroupRuleId"]: rule for rule in rules(client, ids["Door"], egress=True)}
    assert out[ids["Out"]]["ReferencedGroupInfo"]["GroupId"] == ids["Tasks"]
    assert out[ids["Out"]]["Description"] == "vLLM"
    assert "0.0.0.0/0" not in [rule.get("CidrIpv4") for rule in out.values()]
    (into,) = rules(client, ids["Tasks"], egress=False)
    assert into["SecurityGroupRuleId"] == ids["In"]
    assert into["ReferencedGroupInfo"]["GroupId"] == ids["Door"]
    (everything,) = rules(client, ids["Tasks"], egress=True)
    assert everything["CidrIpv4"] == "0.0.0.0/0"
    changed = deployed(**resources(8080))
    assert changed["Door"] == ids["Door"]
    (inline,) = rules(client, ids["Door"], egress=False)
    assert inline["FromPort"] == 8080
    (into,) = rules(client, ids["Tasks"], egress=False)
    assert into["FromPort"] == 8080
    deployed(**resources(8080, apart=False))
    assert not rules(client, ids["Tasks"], egress=False)
    destroyed()
