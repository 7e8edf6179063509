"""PrivateLink: who may connect, and what is passed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from cdk_vllm.constructs import FrontDoor, LogBucket, PrivateLink

if TYPE_CHECKING:
    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan

ARN = "arn:aws:acm:us-east-1:123456789012:certificate/x"
ACCOUNT = "arn:aws:iam::210987654321:root"


def make(stack: cdk.Stack, plan: ServingPlan, *principals: str, **options: Any) -> PrivateLink:
    vpc, bucket = ec2.Vpc(stack, "Vpc"), LogBucket(stack, "Logs").bucket
    door = FrontDoor(stack, "Door", plan=plan, vpc=vpc, log_bucket=bucket, **options)
    allowed = [iam.ArnPrincipal(principal) for principal in principals]
    return PrivateLink(
        stack, "Link", front_door=door, vpc=vpc, log_bucket=bucket, principals=allowed
    )


def test_named_accounts_alone_and_each_accepted_by_hand(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    make(stack, ecs_plan, ACCOUNT, insecure_http=True)
    template = Template.from_stack(stack)
    template.has_resource_properties("AWS::EC2::VPCEndpointService", {"AcceptanceRequired": True})
    template.has_resource_properties(
        "AWS::EC2::VPCEndpointServicePermissions", {"AllowedPrincipals": [ACCOUNT]}
    )


def test_nobody_is_not_a_list_of_principals(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    with pytest.raises(ValueError, match="principals is empty"):
        make(stack, ecs_plan, insecure_http=True)


@pytest.mark.parametrize(
    ("encrypted", "port", "protocol"), [(True, 443, "HTTPS"), (False, 80, "HTTP")]
)
def test_what_the_front_door_speaks_is_passed_through(
    stack: cdk.Stack, ecs_plan: ServingPlan, encrypted: bool, port: int, protocol: str
) -> None:
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", ARN)
    options: dict[str, Any] = {"certificate": certificate} if encrypted else {"insecure_http": True}
    make(stack, ecs_plan, ACCOUNT, **options)
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {
            "TargetType": "alb",
            "Protocol": "TCP",
            "Port": port,
            "HealthCheckProtocol": protocol,
            "Matcher": {"HttpCode": "404"},
        },
    )
    template.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::LoadBalancer", {"Type": "network", "Scheme": "internal"}
    )
    template.has_resource_properties(
        "AWS::EC2::SecurityGroupIngress",
        {"FromPort": port, "ToPort": port, "SourceSecurityGroupId": Match.any_value()},
    )
