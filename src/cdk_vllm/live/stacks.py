"""A deployed stack's outputs and resources, as CloudFormation tells them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    ClientFactory = Callable[[str], Any]


@dataclass(frozen=True)
class DeployedStack:
    """One stack: its status, its outputs by name, and its resources' physical ids by type."""

    name: str
    status: str
    outputs: Mapping[str, str]
    physical_ids: Mapping[str, tuple[str, ...]]

    def output(self, name: str) -> str:
        """Return an output; `InputError` where the stack was deployed without it."""
        if name not in self.outputs:
            raise InputError(f"the stack {self.name} has no output {name}; deploy it again")
        return self.outputs[name]

    def only(self, resource_type: str) -> str:
        """Return the physical id of the one resource of a type, or nothing."""
        return next(iter(self.physical_ids.get(resource_type, ())), "")


def deployed_stack(client: ClientFactory, environment: str, service: str) -> DeployedStack:
    """Read the stack of one service; `InputError` where it was never deployed."""
    name, cloudformation = f"{environment}-{service}", client("cloudformation")
    try:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise InputError(
            f"the stack {name} does not exist; deploy it first: cdk deploy '{environment}/*'"
        ) from None
    ids: dict[str, tuple[str, ...]] = {}
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    for resource in (r for page in pages for r in page["StackResourceSummaries"]):
        kind = resource["ResourceType"]
        ids[kind] = (*ids.get(kind, ()), resource.get("PhysicalResourceId", ""))
    outputs = {o["OutputKey"]: o["OutputValue"] for o in found.get("Outputs", [])}
    return DeployedStack(name, found["StackStatus"], outputs, ids)
