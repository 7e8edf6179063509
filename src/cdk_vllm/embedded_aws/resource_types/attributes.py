"""`Fn::GetAtt` attributes that moto's models lack or answer with None."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .resource import Resource

# moto: these models raise for the attribute, or return None, where `Ref` gives the same value.
_SAME_AS_REF = frozenset(
    {
        "AWS::EFS::FileSystem.FileSystemId",
        "AWS::EFS::MountTarget.Id",
        "AWS::EFS::AccessPoint.AccessPointId",
        "AWS::StepFunctions::StateMachine.Arn",
    }
)


def supplied_attribute(resource: Resource, name: str) -> Any:
    """Return the attribute from this table, or None."""
    key = f"{resource.place.resource_type}.{name}"
    return resource.physical_id if key in _SAME_AS_REF else None
