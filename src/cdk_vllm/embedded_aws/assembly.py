"""Reads a synthesised CDK app: which stacks it holds, where they go, what they keep."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class AssembledStack:
    """One stack of a cloud assembly; `region` is `None` where the app leaves it open."""

    path: str
    name: str
    region: str | None
    account: str | None
    termination_protection: bool
    template: dict[str, Any]

    def retained(self) -> tuple[str, ...]:
        """Return the logical ids of the resources that outlive the stack."""
        resources = self.template.get("Resources", {})
        keeps = ("Retain", "RetainExceptOnCreate")
        return tuple(k for k, v in resources.items() if v.get("DeletionPolicy") in keeps)


def stacks(directory: Path) -> list[AssembledStack]:
    """Return every stack of the assembly in `directory`, stages included, in deployment order."""
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    found: list[AssembledStack] = []
    for name, artifact in manifest.get("artifacts", {}).items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            found += stacks(directory / properties["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack":
            found.append(_stack(directory, name, artifact))
    return found


def _stack(directory: Path, artifact_id: str, artifact: dict[str, Any]) -> AssembledStack:
    properties = artifact["properties"]
    account, region = artifact["environment"].removeprefix("aws://").split("/", 1)
    template = json.loads((directory / properties["templateFile"]).read_text(encoding="utf-8"))
    return AssembledStack(
        path=artifact.get("displayName", artifact_id).split(" ")[0],
        name=properties.get("stackName", artifact_id),
        region=None if region.startswith("unknown") else region,
        account=None if account.startswith("unknown") else account,
        termination_protection=bool(properties.get("terminationProtection")),
        template=template,
    )
