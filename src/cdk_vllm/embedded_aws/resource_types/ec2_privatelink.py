"""PrivateLink: endpoint services, and who may connect to them."""

from __future__ import annotations

from typing import Any

from .ec2 import retag, tagged
from .resource import Resource


class EndpointService(Resource):
    """`AWS::EC2::VPCEndpointService`; `Ref` is its id."""

    type_name = "AWS::EC2::VPCEndpointService"

    _APART = ("Tags", "ContributorInsightsEnabled", "PayerResponsibility")

    def create(self, properties: dict[str, Any]) -> str:
        """Offer load balancers as a service."""
        answer = self.call(
            "ec2.create_vpc_endpoint_service_configuration",
            {**properties, **tagged("vpc-endpoint-service", properties)},
            without=self._APART,
        )
        return str(answer["ServiceConfiguration"]["ServiceId"])

    def update(self, properties: dict[str, Any]) -> None:
        """Change the load balancers behind it, and whether callers are accepted by hand."""
        changes: dict[str, Any] = {
            "ServiceId": self.physical_id,
            "AcceptanceRequired": properties.get("AcceptanceRequired", True),
        }
        for kind in ("NetworkLoadBalancerArns", "GatewayLoadBalancerArns"):
            had, wanted = self.properties.get(kind, []), properties.get(kind, [])
            changes[f"Add{kind}"] = [arn for arn in wanted if arn not in had]
            changes[f"Remove{kind}"] = [arn for arn in had if arn not in wanted]
        self.call("ec2.modify_vpc_endpoint_service_configuration", changes)
        retag(self, properties)

    def delete(self) -> None:
        """Withdraw the service."""
        self.client("ec2").delete_vpc_endpoint_service_configurations(ServiceIds=[self.physical_id])

    def attribute(self, name: str) -> Any:
        """Return `ServiceId`."""
        return self.physical_id if name == "ServiceId" else None


class EndpointServicePermissions(Resource):
    """`AWS::EC2::VPCEndpointServicePermissions`; `Ref` is the service's id."""

    type_name = "AWS::EC2::VPCEndpointServicePermissions"
    fixed = frozenset({"ServiceId"})

    def _allow(self, service: str, wanted: list[str], had: list[str]) -> None:
        changes = {
            "ServiceId": service,
            "AddAllowedPrincipals": [arn for arn in wanted if arn not in had],
            "RemoveAllowedPrincipals": [arn for arn in had if arn not in wanted],
        }
        self.call("ec2.modify_vpc_endpoint_service_permissions", changes)

    def create(self, properties: dict[str, Any]) -> str:
        """Let principals connect."""
        service = str(properties["ServiceId"])
        self._allow(service, properties.get("AllowedPrincipals", []), [])
        return service

    def update(self, properties: dict[str, Any]) -> None:
        """Change who may connect."""
        had = self.properties.get("AllowedPrincipals", [])
        self._allow(self.physical_id, properties.get("AllowedPrincipals", []), had)

    def delete(self) -> None:
        """Let nobody connect any more."""
        self._allow(self.physical_id, [], self.properties.get("AllowedPrincipals", []))


TYPES = (EndpointService, EndpointServicePermissions)
