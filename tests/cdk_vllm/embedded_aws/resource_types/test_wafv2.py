from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.embedded_aws.readback import exists

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]

LOGS = "arn:aws:logs:us-east-1:123456789012:log-group:aws-waf-logs-x"


def resources(limit: int = 100, field: str = "authorization") -> dict[str, Any]:
    visibility = {
        "CloudWatchMetricsEnabled": True,
        "MetricName": "all",
        "SampledRequestsEnabled": False,
    }
    rule = {
        "Name": "Rate",
        "Priority": 0,
        "Action": {"Block": {}},
        "Statement": {
            "RateBasedStatement": {
                "AggregateKeyType": "IP",
                "Limit": limit,
                "EvaluationWindowSec": 60,
            }
        },
        "VisibilityConfig": visibility,
    }
    subnets = {
        f"Subnet{number}": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": f"10.0.{number}.0/24",
                "AvailabilityZone": {"Fn::Select": [number, {"Fn::GetAZs": ""}]},
            },
        }
        for number in (0, 1)
    }
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        **subnets,
        "Balancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {
                "Scheme": "internal",
                "Subnets": [{"Ref": "Subnet0"}, {"Ref": "Subnet1"}],
            },
        },
        "Acl": {
            "Type": "AWS::WAFv2::WebACL",
            "Properties": {
                "Scope": "REGIONAL",
                "DefaultAction": {"Allow": {}},
                "VisibilityConfig": visibility,
                "Rules": [rule],
                "Tags": [{"Key": "team", "Value": "ml"}],
            },
        },
        "Association": {
            "Type": "AWS::WAFv2::WebACLAssociation",
            "Properties": {
                "ResourceArn": {"Ref": "Balancer"},
                "WebACLArn": {"Fn::GetAtt": ["Acl", "Arn"]},
            },
        },
        "Logging": {
            "Type": "AWS::WAFv2::LoggingConfiguration",
            "Properties": {
                "ResourceArn": {"Fn::GetAtt": ["Acl", "Arn"]},
                "LogDestinationConfigs": [LOGS],
                "RedactedFields": [{"SingleHeader": {"Name": field}}],
            },
        },
    }


def test_a_web_acl_guards_a_load_balancer_and_changes(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    wafv2, ids = client("wafv2"), deployed(**resources())
    name, identity, scope = ids["Acl"].split("|")

    def limit() -> int:
        shown = wafv2.get_web_acl(Name=name, Id=identity, Scope=scope)["WebACL"]
        value: int = shown["Rules"][0]["Statement"]["RateBasedStatement"]["Limit"]
        return value

    def redacted() -> str:
        answer = wafv2.get_logging_configuration(ResourceArn=ids["Logging"])
        (field,) = answer["LoggingConfiguration"]["RedactedFields"]
        value: str = field["SingleHeader"]["Name"]
        return value

    assert limit() == 100
    assert redacted() == "authorization"
    guarding = wafv2.get_web_acl_for_resource(ResourceArn=ids["Balancer"])["WebACL"]
    assert guarding["Id"] == identity
    assert deployed(**resources(limit=500, field="cookie")) == ids
    assert limit() == 500
    assert redacted() == "cookie"
    destroyed()
    assert not wafv2.list_web_acls(Scope="REGIONAL")["WebACLs"]


@pytest.mark.parametrize("kind", ["WebACL", "WebACLAssociation", "LoggingConfiguration"])
def test_what_was_never_made_is_not_there(client: Client, kind: str) -> None:
    assert not exists(client, f"AWS::WAFv2::{kind}", "none|none|REGIONAL")
