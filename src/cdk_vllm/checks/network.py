"""What an isolated network needs, and who may connect from other accounts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cdk_vllm.checks.template import Finding, Template, as_list, report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.checks.template import Resource

ENDPOINT = "AWS::EC2::VPCEndpoint"
# Without one of these a task on EC2 never starts. Source: Amazon ECS Developer Guide.
NEEDED = ("ecr.api", "ecr.dkr", "logs")


def isolated_networks_are_complete(template: Template) -> Iterator[Finding]:
    """Where no route leads out, a missing endpoint is a task that hangs at its start."""
    if any(template.of("AWS::EC2::InternetGateway", "AWS::EC2::NatGateway")):
        return
    for vpc in template.of("AWS::EC2::VPC"):
        services = [_service(endpoint) for endpoint in template.of(ENDPOINT)]
        for name in (*NEEDED, "s3"):
            if not any(service.endswith(f".{name}") for service in services):
                yield report(isolated_networks_are_complete, vpc, f"no endpoint for {name}")


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


def _service(endpoint: Resource) -> str:
    name = endpoint.get("ServiceName", "")
    if isinstance(name, str):
        return name
    # A join of the region into the name: its end is what matters.
    return json.dumps(name).rstrip('"]}')


RULES = (
    isolated_networks_are_complete,
    endpoints_answer_under_public_names,
    connections_are_accepted_by_hand,
)
