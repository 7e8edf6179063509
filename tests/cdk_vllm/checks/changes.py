"""Changes of a template that are more than one leaf: something whole is gone, or says else."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from cdk_vllm.checks import findings

if TYPE_CHECKING:
    from collections.abc import Callable

Template = dict[str, Any]


def rules_after(template: Template, change: Callable[[Template], None]) -> set[str]:
    """Return the rules that a changed copy of a template breaks; the template breaks none."""
    assert findings(template) == []
    changed = copy.deepcopy(template)
    change(changed)
    assert changed != template
    return {finding.rule for finding in findings(changed)}


def without(kind: str, holding: str = "") -> Callable[[Template], None]:
    """Return what takes away the resources of a type that hold a word."""

    def change(template: Template) -> None:
        for logical_id, body in list(template["Resources"].items()):
            if body["Type"] == kind and holding in json.dumps(body):
                del template["Resources"][logical_id]

    return change


def saying(kind: str, here: str, there: str) -> Callable[[Template], None]:
    """Return what writes another text wherever one stands in resources of a type, as JSON."""

    def change(template: Template) -> None:
        for logical_id, body in template["Resources"].items():
            if body["Type"] == kind:
                text = json.dumps(body).replace(here, there)
                template["Resources"][logical_id] = json.loads(text)

    return change


def container(name: str, change_of: Callable[[dict[str, Any]], None]) -> Callable[[Template], None]:
    """Return what changes the containers of a name."""

    def change(template: Template) -> None:
        for body in template["Resources"].values():
            for found in body.get("Properties", {}).get("ContainerDefinitions", []):
                if found["Name"] == name:
                    change_of(found)

    return change


def without_container(name: str) -> Callable[[Template], None]:
    """Return what takes a container out of its task."""

    def change(template: Template) -> None:
        for body in template["Resources"].values():
            definitions = body.get("Properties", {}).get("ContainerDefinitions", [])
            definitions[:] = [found for found in definitions if found["Name"] != name]

    return change
