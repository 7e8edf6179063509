"""Isolated networks and connections from other accounts: each line that is removed is found."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from cdk_vllm.checks import findings
from cdk_vllm.constructs import FrontDoor, IsolatedNetwork, LogBucket, PrivateLink
from cdk_vllm.constructs.network import ECS_SERVICES

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingPlan

ENDPOINT = "AWS::EC2::VPCEndpoint"


@pytest.fixture(scope="session")
def isolated(ecs_plan: ServingPlan) -> dict[str, Any]:
    stack = cdk.Stack(cdk.App(), "Isolated", env=cdk.Environment(region="us-east-1"))
    bucket = LogBucket(stack, "Logs").bucket
    vpc = IsolatedNetwork(stack, "Network", log_bucket=bucket, services=ECS_SERVICES).vpc
    door = FrontDoor(stack, "Door", plan=ecs_plan, vpc=vpc, log_bucket=bucket, insecure_http=True)
    account = iam.ArnPrincipal("arn:aws:iam::210987654321:root")
    PrivateLink(stack, "Link", front_door=door, vpc=vpc, log_bucket=bucket, principals=[account])
    return dict(Template.from_stack(stack).to_json())


def of(template: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [body["Properties"] for body in template["Resources"].values() if body["Type"] == kind]


def without(service: str) -> Callable[[dict[str, Any]], None]:
    def remove(template: dict[str, Any]) -> None:
        kept = {
            key: body
            for key, body in template["Resources"].items()
            if service not in str(body.get("Properties", {}).get("ServiceName"))
        }
        assert len(kept) < len(template["Resources"])
        template["Resources"] = kept

    return remove


def put(kind: str, **properties_put: Any) -> Callable[[dict[str, Any]], None]:
    def change(template: dict[str, Any]) -> None:
        for properties in of(template, kind):
            properties.update(properties_put)

    return change


def test_ours_have_no_finding(isolated: dict[str, Any]) -> None:
    # The bucket that takes the logs is the one that has none.
    assert {finding.rule for finding in findings(isolated)} <= {"bucket_access_is_logged"}


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("isolated_networks_are_complete", without("ecr.api")),
        ("isolated_networks_are_complete", without("ecr.dkr")),
        ("isolated_networks_are_complete", without("logs")),
        ("isolated_networks_are_complete", without(".s3")),
        ("endpoints_answer_under_public_names", put(ENDPOINT, PrivateDnsEnabled=False)),
        ("endpoints_answer_under_public_names", put(ENDPOINT, SecurityGroupIds=[])),
        (
            "connections_are_accepted_by_hand",
            put("AWS::EC2::VPCEndpointService", AcceptanceRequired=False),
        ),
        (
            "connections_are_accepted_by_hand",
            put("AWS::EC2::VPCEndpointServicePermissions", AllowedPrincipals=["*"]),
        ),
        (
            "refuses_by_default",
            put("AWS::ElasticLoadBalancingV2::TargetGroup", TargetType="ip"),
        ),
    ],
)
def test_each_line_counts(
    isolated: dict[str, Any], rule: str, change: Callable[[dict[str, Any]], None]
) -> None:
    template = copy.deepcopy(isolated)
    change(template)
    assert rule in {finding.rule for finding in findings(template)}
