"""The web firewall: it limits clients and lets prompts through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Match, Template

from cdk_vllm.constructs import FrontDoor, LogBucket, WebFirewall

if TYPE_CHECKING:
    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan


def make(stack: cdk.Stack, plan: ServingPlan, **options: Any) -> WebFirewall:
    vpc, bucket = ec2.Vpc(stack, "Vpc"), LogBucket(stack, "Logs").bucket
    door = FrontDoor(stack, "Door", plan=plan, vpc=vpc, log_bucket=bucket, insecure_http=True)
    return WebFirewall(stack, "Firewall", front_door=door, **options)


def rules(stack: cdk.Stack) -> dict[str, Any]:
    (acl,) = Template.from_stack(stack).find_resources("AWS::WAFv2::WebACL").values()
    return {rule["Name"]: rule for rule in acl["Properties"]["Rules"]}


def test_one_client_has_a_limit(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    make(stack, ecs_plan, requests_per_minute=120)
    rule = rules(stack)["RequestsOfAClient"]
    assert rule["Action"] == {"Block": {"CustomResponse": {"ResponseCode": 429}}}
    assert rule["Statement"]["RateBasedStatement"] == {
        "AggregateKeyType": "IP",
        "EvaluationWindowSec": 60,
        "Limit": 120,
    }


def test_a_limit_that_waf_refuses_is_refused_before(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    with pytest.raises(ValueError, match="least limit is 10"):
        make(stack, ecs_plan, requests_per_minute=9)


def test_nothing_that_reads_bodies_blocks(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    make(stack, ecs_plan)
    counted = set()
    for rule in rules(stack).values():
        group = rule["Statement"].get("ManagedRuleGroupStatement", {})
        for override in group.get("RuleActionOverrides", []):
            assert override["ActionToUse"] == {"Count": {}}
            counted.add(override["Name"])
    assert {name for name in counted if not name.endswith("_BODY")} == set()
    assert {"SizeRestrictions_BODY", "CrossSiteScripting_BODY", "Log4JRCE_BODY"} <= counted


def test_the_log_is_encrypted_and_holds_no_key(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    make(stack, ecs_plan)
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::WAFv2::LoggingConfiguration",
        {"RedactedFields": [{"SingleHeader": {"Name": "authorization"}}]},
    )
    template.has_resource_properties(
        "AWS::Logs::LogGroup",
        {
            "LogGroupName": Match.string_like_regexp("^aws-waf-logs-"),
            "KmsKeyId": Match.any_value(),
            "RetentionInDays": 90,
        },
    )
