"""The resources of one deployed stack: each resolved and read once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cdk_vllm.embedded_aws.readback.comparison import WILDCARD
from cdk_vllm.embedded_aws.readback.intrinsics import holds, resolve
from cdk_vllm.embedded_aws.readback.services import READERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory
    from cdk_vllm.embedded_aws.readback.template import DeployedStack

_PSEUDO_PARAMETERS = {"AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}
_STACK_PARAMETERS = {
    "AWS::AccountId": "account",
    "AWS::Region": "region",
    "AWS::StackId": "stack_id",
    "AWS::StackName": "name",
}


def read(
    client: ClientFactory, resource_type: str, physical_id: str, properties: Mapping[str, Any]
) -> tuple[Mapping[str, Any] | None, str]:
    """Return what the type's own service says of a resource, or None and why not."""
    if resource_type not in READERS:
        return None, "has no reader"
    try:
        return READERS[resource_type](client, physical_id, properties), ""
    except KeyError as error:
        return None, f"was answered for {physical_id} without {error}"
    except LookupError:
        return None, f"was not found as {physical_id}"
    except ClientError as error:
        return None, f"was not found as {physical_id} ({error.response['Error']['Code']})"
    # moto inside the process raises whatever went wrong in it; its server answers with an error.
    except Exception as error:
        return None, f"could not be read as {physical_id} ({type(error).__name__})"


class StackResources:
    """Reads a stack's resources, and is what the functions of its template refer to."""

    def __init__(self, stack: DeployedStack) -> None:
        """Read nothing yet."""
        self._stack = stack
        self._resources: Mapping[str, Any] = stack.body.get("Resources", {})
        self._properties: dict[str, Mapping[str, Any]] = {}
        self._found: dict[str, tuple[Mapping[str, Any] | None, str]] = {}

    def logical_ids(self) -> list[str]:
        """The resources whose condition, if they have one, holds."""
        return [
            logical_id
            for logical_id, resource in self._resources.items()
            if "Condition" not in resource or holds(resource["Condition"], self)
        ]

    def type_of(self, logical_id: str) -> str:
        """The CloudFormation type of a resource."""
        return str(self._resources[logical_id]["Type"])

    def physical_id(self, logical_id: str) -> str:
        """The physical id of a resource, or nothing."""
        return self._stack.physical_ids.get(logical_id, "")

    def properties(self, logical_id: str) -> Mapping[str, Any]:
        """The template's properties of a resource with every function resolved."""
        if logical_id not in self._properties:
            written = self._resources[logical_id].get("Properties", {})
            self._properties[logical_id] = resolve(written, self)
        return self._properties[logical_id]

    def read(self, logical_id: str) -> tuple[Mapping[str, Any] | None, str]:
        """What the resource's own service says of it, or None and why not."""
        if logical_id not in self._found:
            # Stands while the properties are resolved, so that a circle of attributes ends.
            self._found[logical_id] = (None, "refers to itself")
            self._found[logical_id] = self._first_read(logical_id)
        return self._found[logical_id]

    def _first_read(self, logical_id: str) -> tuple[Mapping[str, Any] | None, str]:
        resource_type, physical_id = self.type_of(logical_id), self.physical_id(logical_id)
        if resource_type in READERS and not physical_id:
            return None, "has no physical id"
        properties = self.properties(logical_id) if resource_type in READERS else {}
        return read(self._stack.client, resource_type, physical_id, properties)

    @property
    def mappings(self) -> Mapping[str, Any]:
        """The template's `Mappings`."""
        return dict(self._stack.body.get("Mappings", {}))

    @property
    def conditions(self) -> Mapping[str, Any]:
        """The template's `Conditions`, unresolved."""
        return dict(self._stack.body.get("Conditions", {}))

    def reference(self, name: str) -> Any:
        """The value of `Ref`; `WILDCARD` for a resource without a physical id."""
        if name in self._stack.parameters:
            return self._stack.parameters[name]
        if name in _STACK_PARAMETERS:
            return getattr(self._stack, _STACK_PARAMETERS[name])
        if name == "AWS::NotificationARNs":
            return []
        return _PSEUDO_PARAMETERS.get(name) or self.physical_id(name) or WILDCARD

    def attribute(self, logical_id: str, name: str) -> Any:
        """The attribute as the target's reader sees it, or `WILDCARD`."""
        found, _ = self.read(logical_id) if logical_id in self._resources else (None, "")
        value = (found or {}).get(name)
        return WILDCARD if value in (None, "") else value

    def imported(self, name: str) -> Any:
        """The value of an export, or `WILDCARD`."""
        return self._stack.exports.get(name, WILDCARD)

    def zones(self) -> list[str]:
        """The region's availability zones."""
        answer = self._stack.client("ec2").describe_availability_zones()
        return [zone["ZoneName"] for zone in answer["AvailabilityZones"]]
