"""Reads PrivateLink's services back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _service(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    answer = client("ec2").describe_vpc_endpoint_service_configurations(ServiceIds=[physical_id])
    return listed(
        only(answer["ServiceConfigurations"]),
        "AcceptanceRequired",
        "GatewayLoadBalancerArns",
        "NetworkLoadBalancerArns",
        "ServiceId",
        "Tags",
    )


def _permissions(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    answer = client("ec2").describe_vpc_endpoint_service_permissions(ServiceId=physical_id)
    allowed = [item["Principal"] for item in answer["AllowedPrincipals"]]
    return {"AllowedPrincipals": allowed, "ServiceId": physical_id}


READERS: Mapping[str, Reader] = {
    "AWS::EC2::VPCEndpointService": _service,
    "AWS::EC2::VPCEndpointServicePermissions": _permissions,
}
