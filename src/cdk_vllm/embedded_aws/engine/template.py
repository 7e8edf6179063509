"""A template read, checked, and its resources put in order of dependency."""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from .conditions import holds
from .intrinsics import resolve
from .scope import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .scope import Scope

_SUBSTITUTION = re.compile(r"\$\{([^!][^}]*)\}")


def live_resources(template: Mapping[str, Any], scope: Scope) -> dict[str, dict[str, Any]]:
    """Return the resources whose condition holds, each after those it needs.

    Raises:
        TemplateError: for a name the template does not define, or a circle.
    """
    every = template.get("Resources") or {}
    live = {
        name: definition
        for name, definition in every.items()
        if "Condition" not in definition or holds(definition["Condition"], scope, resolve)
    }
    known = {*every, *scope.parameters, *scope.names, "AWS::NoValue"}
    needs: dict[str, set[str]] = {}
    for name, definition in live.items():
        used = set(_references(definition.get("Properties"), scope)) | _depends_on(definition)
        unknown = sorted(used - known)
        if unknown:
            raise TemplateError(
                f"Template format error: Unresolved resource dependencies {unknown} in the "
                f"Resources block of the template (resource {name})"
            )
        needs[name] = used & live.keys()
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = ", ".join(sorted(set(error.args[1])))
        raise TemplateError(f"Circular dependency between resources: [{circle}]") from None
    return {name: live[name] for name in order}


def _depends_on(definition: Mapping[str, Any]) -> set[str]:
    depends = definition.get("DependsOn", [])
    return {depends} if isinstance(depends, str) else set(depends)


def _references(value: Any, scope: Scope) -> Iterator[str]:
    """Yield the names a value needs, by the branches its conditions choose."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item, scope)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _named_by(key, item, scope)


def _named_by(function: str, argument: Any, scope: Scope) -> Iterator[str]:
    match function:
        case "Ref" if isinstance(argument, str):
            yield argument
        case "Fn::GetAtt" if isinstance(argument, str):
            yield argument.split(".", 1)[0]
        case "Fn::GetAtt":
            yield argument[0]
        case "Fn::If" if isinstance(argument, list):
            condition, when_true, when_false = argument
            chosen = when_true if holds(condition, scope, resolve) else when_false
            yield from _references(chosen, scope)
        case "Fn::Sub":
            yield from _substituted(argument, scope)
        case _:
            yield from _references(argument, scope)


def _substituted(argument: Any, scope: Scope) -> Iterator[str]:
    text, local = argument if isinstance(argument, list) else (argument, {})
    for name in _SUBSTITUTION.findall(text):
        if name.strip() not in local:
            yield name.strip().split(".", 1)[0]
    yield from _references(local, scope)
