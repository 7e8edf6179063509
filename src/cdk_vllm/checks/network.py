"""What an isolated network needs, and who may connect from other accounts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cdk_vllm.checks.template import Finding, Template, as_list, number, pairs, report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.checks.template import Resource

ENDPOINT = "AWS::EC2::VPCEndpoint"
# What everything calls, and what GPU instances and SageMaker call beside: without one of these a
# start hangs. Sources: Amazon ECS Developer Guide, "Amazon ECS interface VPC
# endpoints"; Amazon ECR User Guide; AWS Systems Manager User Guide; SageMaker AI Developer Guide.
NEEDED = ("ecr.api", "ecr.dkr", "kms", "logs", "monitoring", "s3", "sts")
NEEDED_TOGETHER = (
    (
        "autoscaling",
        "ec2messages",
        "ecs",
        "ecs-agent",
        "ecs-telemetry",
        "secretsmanager",
        "ssm",
        "ssmmessages",
    ),
    ("sagemaker.api", "sagemaker.runtime"),
)


def isolated_networks_are_complete(template: Template) -> Iterator[Finding]:
    """Where no route leads out, a missing endpoint is a task that hangs at its start."""
    if any(template.of("AWS::EC2::InternetGateway", "AWS::EC2::NatGateway")):
        return
    services = [_service(endpoint) for endpoint in template.of(ENDPOINT)]
    needed = [*NEEDED, *(["aps-workspaces"] if any(template.of("AWS::APS::Workspace")) else [])]
    for group in NEEDED_TOGETHER:
        needed += group if any(_is_there(name, services) for name in group) else ()
    for vpc in template.of("AWS::EC2::VPC"):
        for name in needed:
            if not _is_there(name, services):
                yield report(isolated_networks_are_complete, vpc, f"no endpoint for {name}")


def _is_there(name: str, services: list[str]) -> bool:
    return any(service.endswith(f".{name}") for service in services)


def endpoints_are_in_every_zone(template: Template) -> Iterator[Finding]:
    """A zone without the endpoint goes through another one, and with it when that is lost."""
    for endpoint in template.of(ENDPOINT):
        kind = endpoint.get("VpcEndpointType")
        wrong = {
            "its kind is not said, and then a gateway": kind is None,
            "it leads to no service": not endpoint.get("ServiceName"),
            "fewer than two subnets": kind == "Interface"
            and len(as_list(endpoint.get("SubnetIds"))) < 2,
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(endpoints_are_in_every_zone, endpoint, message)


def endpoints_answer_under_public_names(template: Template) -> Iterator[Finding]:
    """Without private DNS every call still goes to the public address, which is out of reach."""
    for endpoint in template.of(ENDPOINT):
        if endpoint.get("VpcEndpointType") != "Interface":
            continue
        if endpoint.get("PrivateDnsEnabled") is not True:
            yield report(endpoints_answer_under_public_names, endpoint, "private DNS is off")
        if not as_list(endpoint.get("SecurityGroupIds")):
            message = "the VPC's default security group guards it"
            yield report(endpoints_answer_under_public_names, endpoint, message)


def connections_are_accepted_by_hand(template: Template) -> Iterator[Finding]:
    """An endpoint service that accepts by itself is open to whoever its principals become."""
    for service in template.of("AWS::EC2::VPCEndpointService"):
        if service.get("AcceptanceRequired") is not True:
            yield report(connections_are_accepted_by_hand, service, "AcceptanceRequired is off")
    for permissions in template.of("AWS::EC2::VPCEndpointServicePermissions"):
        if "*" in as_list(permissions.get("AllowedPrincipals")):
            yield report(connections_are_accepted_by_hand, permissions, "anybody may connect")


def private_link_ends_at_the_front_door(template: Template) -> Iterator[Finding]:
    """A load balancer before the load balancer: packets in every zone, logged, to one listener.

    Its addresses are PrivateLink's, which no rule of a security group knows; who may connect is
    decided by the endpoint service.
    """
    for balancer in template.of("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        if balancer.get("Type") != "network":
            continue
        attributes = pairs(balancer.get("LoadBalancerAttributes"))
        checked = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"
        wrong = {
            "it refuses PrivateLink's own addresses": balancer.get(checked) != "off",
            "a zone without a target answers nobody": attributes.get(
                "load_balancing.cross_zone.enabled"
            )
            != "true",
            "nothing is logged": attributes.get("access_logs.s3.enabled") != "true"
            or not attributes.get("access_logs.s3.bucket")
            or not attributes.get("access_logs.s3.prefix"),
            "fewer than two subnets": len(as_list(balancer.get("Subnets"))) < 2,
            "no security group": not as_list(balancer.get("SecurityGroups")),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(private_link_ends_at_the_front_door, balancer, message)
    for group in template.of("AWS::ElasticLoadBalancingV2::TargetGroup"):
        if group.get("TargetType") == "alb":
            for message in _front_door_faults(group):
                yield report(private_link_ends_at_the_front_door, group, message)


def _front_door_faults(group: Resource) -> Iterator[str]:
    """The front door answers 404 to what nobody asks for, which says that it lives."""
    ports = {number(group.get("Port"))}
    ports |= {number(target.get("Port")) for target in as_list(group.get("Targets"))}
    wrong = {
        "its port is not the front door's": len(ports) != 1 or min(ports) < 1,
        "its protocol is not TCP": group.get("Protocol") != "TCP",
        "it is in no VPC": not group.get("VpcId"),
        "it asks not as its clients do": group.get("HealthCheckProtocol")
        != ("HTTPS" if 443.0 in ports else "HTTP"),
        "it asks for a path that is forwarded": group.get("HealthCheckPath") != "/",
        "it takes another answer for health": str(group.get("Matcher.HttpCode")) != "404",
    }
    yield from (text for text, is_wrong in wrong.items() if is_wrong)


def _service(endpoint: Resource) -> str:
    name = endpoint.get("ServiceName", "")
    if isinstance(name, str):
        return name
    # A join of the region into the name: its end is what matters.
    return json.dumps(name).rstrip('"]}')


RULES = (
    isolated_networks_are_complete,
    endpoints_are_in_every_zone,
    endpoints_answer_under_public_names,
    connections_are_accepted_by_hand,
    private_link_ends_at_the_front_door,
)
