"""The front door: what passes, and that it is never open by accident."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Match, Template

from cdk_vllm.constructs import DomainName, FrontDoor, IsolatedNetwork, LogBucket, TokenIssuer
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan

ARN = "arn:aws:acm:us-east-1:123456789012:certificate/x"


def make(stack: cdk.Stack, plan: ServingPlan, **options: Any) -> FrontDoor:
    vpc = ec2.Vpc(stack, "Vpc")
    bucket = LogBucket(stack, "Logs").bucket
    return FrontDoor(stack, "Door", plan=plan, vpc=vpc, log_bucket=bucket, **options)


def test_without_a_certificate_plain_http_must_be_meant(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    with pytest.raises(InputError, match="insecure_http=True"):
        make(stack, ecs_plan)


def test_a_domain_alone_is_no_certificate(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    with pytest.raises(InputError, match="hosted_zone"):
        make(stack, ecs_plan, domain=DomainName(name="chat.example.com"))


@pytest.mark.parametrize(
    ("path", "passes"),
    [
        ("/v1/chat/completions", True),
        ("/v1/completions", True),
        ("/v1/embeddings", True),
        ("/v1/messages", True),
        ("/v1/models", True),
        ("/v1/responses", True),
        ("/v1/responses/resp_0a-b", True),
        ("/v1/responses/resp_0a-b/cancel", True),
        ("/v1/responses/../load_lora_adapter", False),
        ("/v1/chat/completions/render", False),
        ("/v1/load_lora_adapter", False),
        ("/v1/models/", False),
        ("/metrics", False),
        ("/x/v1/models", False),
        ("/", False),
    ],
)
def test_one_rule_of_at_most_five_values_passes_named_paths_only(
    stack: cdk.Stack, ecs_plan: ServingPlan, path: str, passes: bool
) -> None:
    make(stack, ecs_plan, insecure_http=True)
    (rule,) = (
        Template.from_stack(stack)
        .find_resources("AWS::ElasticLoadBalancingV2::ListenerRule")
        .values()
    )
    patterns = rule["Properties"]["Conditions"][0]["PathPatternConfig"]["RegexValues"]
    assert len(patterns) <= 5
    assert all(len(pattern) <= 128 for pattern in patterns)
    assert any(re.search(pattern, path) for pattern in patterns) is passes


def test_a_given_certificate_is_used_under_its_name(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", ARN)
    door = make(
        stack, ecs_plan, certificate=certificate, domain=DomainName(name="chat.example.com")
    )
    assert door.base_url == "https://chat.example.com/v1"
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::CertificateManager::Certificate", 0)
    template.resource_count_is("AWS::Route53::RecordSet", 0)
    template.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::Listener",
        {"Port": 443, "Certificates": [{"CertificateArn": ARN}]},
    )


def test_timeouts_follow_the_longest_request(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    make(stack, ecs_plan, insecure_http=True)
    template = Template.from_stack(stack)
    for kind, attributes, key, value in (
        ("LoadBalancer", "LoadBalancerAttributes", "idle_timeout.timeout_seconds", "360"),
        ("TargetGroup", "TargetGroupAttributes", "deregistration_delay.timeout_seconds", "300"),
    ):
        template.has_resource_properties(
            f"AWS::ElasticLoadBalancingV2::{kind}",
            {attributes: Match.array_with([{"Key": key, "Value": value}])},
        )


def test_a_plain_door_does_not_open_the_port_for_tls(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    door = make(stack, ecs_plan, insecure_http=True)
    groups = Template.from_stack(stack).find_resources("AWS::EC2::SecurityGroup")
    logical_id = stack.get_logical_id(door.security_group.node.default_child)  # type: ignore[arg-type]
    ingress = groups[logical_id]["Properties"]["SecurityGroupIngress"]
    assert {rule["ToPort"] for rule in ingress} == {80}
    assert not {rule["CidrIp"] for rule in ingress} & {"0.0.0.0/0"}


ISSUER = TokenIssuer(
    issuer="https://id.example.com/",
    jwks_url="https://id.example.com/keys",
    audiences=("chat",),
)


def test_tokens_are_checked_before_anything_is_forwarded(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", ARN)
    make(stack, ecs_plan, certificate=certificate, token_issuer=ISSUER)
    rules = Template.from_stack(stack).find_resources("AWS::ElasticLoadBalancingV2::ListenerRule")
    for rule in rules.values():
        check, forward = rule["Properties"]["Actions"]
        assert (check["Type"], check["Order"]) == ("jwt-validation", 1)
        assert check["JwtValidationConfig"] == {
            "Issuer": "https://id.example.com/",
            "JwksEndpoint": "https://id.example.com/keys",
            "AdditionalClaims": [{"Format": "string-array", "Name": "aud", "Values": ["chat"]}],
        }
        assert (forward["Type"], forward["Order"]) == ("forward", 2)


def test_tokens_never_travel_in_the_clear(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    with pytest.raises(InputError, match="token_issuer needs a certificate"):
        make(stack, ecs_plan, insecure_http=True, token_issuer=ISSUER)


def test_an_isolated_network_has_room_for_it(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    bucket = LogBucket(stack, "Logs").bucket
    vpc = IsolatedNetwork(stack, "Network", log_bucket=bucket, services=()).vpc
    door = FrontDoor(stack, "Door", plan=ecs_plan, vpc=vpc, log_bucket=bucket, insecure_http=True)
    assert door.subnet_ids == [subnet.subnet_id for subnet in vpc.isolated_subnets]
