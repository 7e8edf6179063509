"""The web firewall: each line that is removed is found."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from cdk_vllm.checks import findings
from cdk_vllm.constructs import FrontDoor, LogBucket, WebFirewall

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingPlan

Rules = list[dict[str, Any]]


@pytest.fixture(scope="session")
def guarded(ecs_plan: ServingPlan) -> dict[str, Any]:
    stack = cdk.Stack(cdk.App(), "Guarded", env=cdk.Environment(region="us-east-1"))
    vpc, bucket = ec2.Vpc(stack, "Vpc"), LogBucket(stack, "Logs").bucket
    door = FrontDoor(stack, "Door", plan=ecs_plan, vpc=vpc, log_bucket=bucket, insecure_http=True)
    WebFirewall(stack, "Firewall", front_door=door)
    return dict(Template.from_stack(stack).to_json())


def broken(template: dict[str, Any]) -> set[str]:
    ours = ("one_client_has_a_limit", "prompts_are_not_blocked", "firewall_logs_hold_no_keys")
    return {finding.rule for finding in findings(template) if finding.rule in ours}


def test_ours_has_no_finding(guarded: dict[str, Any]) -> None:
    assert broken(guarded) == set()


def no_limit(rules: Rules) -> None:
    del rules[0]


def limit_counts_only(rules: Rules) -> None:
    rules[0]["Action"] = {"Count": {}}


def override_blocks(rules: Rules) -> None:
    group = rules[2]["Statement"]["ManagedRuleGroupStatement"]
    group["RuleActionOverrides"][0]["ActionToUse"] = {"Block": {}}


def no_overrides(rules: Rules) -> None:
    del rules[1]["Statement"]["ManagedRuleGroupStatement"]["RuleActionOverrides"]


def long_bodies_match(rules: Rules) -> None:
    body = {"FieldToMatch": {"Body": {"OversizeHandling": "MATCH"}}}
    statement = {"NotStatement": {"Statement": {"SizeConstraintStatement": body}}}
    rules.append({"Name": "Size", "Action": {"Block": {}}, "Statement": statement})


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("one_client_has_a_limit", no_limit),
        ("one_client_has_a_limit", limit_counts_only),
        ("prompts_are_not_blocked", override_blocks),
        ("prompts_are_not_blocked", no_overrides),
        ("prompts_are_not_blocked", long_bodies_match),
    ],
)
def test_each_line_counts(
    guarded: dict[str, Any], rule: str, change: Callable[[Rules], None]
) -> None:
    template = copy.deepcopy(guarded)
    for body in template["Resources"].values():
        if body["Type"] == "AWS::WAFv2::WebACL":
            change(body["Properties"]["Rules"])
    assert broken(template) == {rule}


@pytest.mark.parametrize("fields", [None, [{"SingleHeader": {"Name": "cookie"}}]])
def test_the_key_must_be_left_out_of_the_log(guarded: dict[str, Any], fields: Any) -> None:
    template = copy.deepcopy(guarded)
    for body in template["Resources"].values():
        if body["Type"] == "AWS::WAFv2::LoggingConfiguration":
            body["Properties"]["RedactedFields"] = fields
    assert broken(template) == {"firewall_logs_hold_no_keys"}


def test_a_firewall_without_a_log_is_found(guarded: dict[str, Any]) -> None:
    template = copy.deepcopy(guarded)
    template["Resources"] = {
        key: body
        for key, body in template["Resources"].items()
        if body["Type"] != "AWS::WAFv2::LoggingConfiguration"
    }
    assert broken(template) == {"firewall_logs_hold_no_keys"}
