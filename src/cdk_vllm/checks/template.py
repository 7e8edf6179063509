"""A template as the rules see it, and what they say about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True)
class Finding:
    """One rule broken by one resource, and what is wrong there."""

    rule: str
    logical_id: str
    message: str


@dataclass(frozen=True)
class Resource:
    """One resource; `properties` is empty where the template has none."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    deletion_policy: str | None = None

    def get(self, path: str, default: Any = None) -> Any:
        """Return the property at a dotted path, or `default`."""
        return dig(self.properties, path, default)


class Template:
    """A stack's template by resource type."""

    def __init__(self, template: Mapping[str, Any]) -> None:
        self.text = json.dumps(template)
        self._resources = [
            Resource(
                logical_id,
                body.get("Type", ""),
                body.get("Properties") or {},
                body.get("DeletionPolicy"),
            )
            for logical_id, body in (template.get("Resources") or {}).items()
        ]

    def of(self, *types: str) -> Iterator[Resource]:
        """Yield the resources of some types."""
        return (resource for resource in self._resources if resource.type in types)

    def everything(self) -> Iterator[Resource]:
        """Yield all resources."""
        return iter(self._resources)


def dig(value: Any, path: str, default: Any = None) -> Any:
    """Return what lies at a dotted path of nested mappings, or `default`."""
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            return default
        value = value[key]
    return value


def as_list(value: Any) -> list[Any]:
    """Return a value that CloudFormation lets be one or many as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def pairs(value: Any, key: str = "Key", item: str = "Value") -> dict[str, Any]:
    """Return CloudFormation's list of name and value as a dict."""
    entries = [entry for entry in as_list(value) if isinstance(entry, dict)]
    return {str(entry.get(key)): entry.get(item) for entry in entries}


def number(value: Any) -> float:
    """Return a number, also from its text; what is neither is minus infinity, and breaks a rule."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("-inf")


def joined(value: Any) -> str:
    """Return a text that a template joins from parts, with names for what is known later only."""
    if isinstance(value, dict) and len(value) == 1:
        name, argument = next(iter(value.items()))
        if name == "Fn::Join":
            return str(argument[0]).join(joined(part) for part in argument[1])
        if name == "Fn::Base64":
            return joined(argument)
        return ".".join(str(word) for word in as_list(argument))
    return value if isinstance(value, str) else ""


def mentions(value: Any, word: str) -> bool:
    """Tell whether a word occurs anywhere in a value."""
    return word in json.dumps(value)


def report(rule: Callable[..., Any], resource: Resource, message: str) -> Finding:
    """Return a finding named after its rule."""
    return Finding(rule.__name__, resource.logical_id, message)
