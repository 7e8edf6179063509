"""What a template's functions come to in a deployed stack."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from cdk_vllm.embedded_aws.readback.comparison import WILDCARD

if TYPE_CHECKING:
    from collections.abc import Callable

_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")
# A dynamic reference names a secret or a parameter; the value itself is never looked up.
_DYNAMIC = re.compile(r"\{\{resolve:[^}]*\}\}")


class Surroundings(Protocol):
    """What the functions of one stack's template refer to."""

    @property
    def mappings(self) -> Mapping[str, Any]:
        """The template's `Mappings`."""

    @property
    def conditions(self) -> Mapping[str, Any]:
        """The template's `Conditions`, unresolved."""

    def reference(self, name: str) -> Any:
        """The value of `Ref` for a parameter, a pseudo parameter or a resource."""

    def attribute(self, logical_id: str, name: str) -> Any:
        """The value of `Fn::GetAtt`, or `WILDCARD`."""

    def imported(self, name: str) -> Any:
        """The value of an export, or `WILDCARD`."""

    def zones(self) -> list[str]:
        """The region's availability zones."""


class _NoValue:
    """What `AWS::NoValue` comes to: the property is not there."""


_NO_VALUE = _NoValue()


def resolve(value: Any, stack: Surroundings) -> Any:
    """Replace every function in a template value by what it comes to.

    Functions that need the service to compute them come to `WILDCARD`; properties that come to
    `AWS::NoValue` are left out.
    """
    if isinstance(value, Mapping):
        return _mapping(value, stack)
    if isinstance(value, list):
        items = (resolve(item, stack) for item in value)
        return [item for item in items if item is not _NO_VALUE]
    if isinstance(value, str):
        return _DYNAMIC.sub(WILDCARD, value)
    return value


def _mapping(value: Mapping[str, Any], stack: Surroundings) -> Any:
    if len(value) == 1:
        name, argument = next(iter(value.items()))
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](argument, stack)
        if name.startswith("Fn::"):
            return WILDCARD
    pairs = ((key, resolve(item, stack)) for key, item in value.items())
    return {key: item for key, item in pairs if item is not _NO_VALUE}


def holds(condition: Any, stack: Surroundings) -> bool:
    """Say whether a condition, named or written out, is true in the deployed stack."""
    if isinstance(condition, str):
        return holds(stack.conditions[condition], stack)
    name, argument = next(iter(condition.items()))
    if name == "Fn::Equals":
        left, right = (resolve(item, stack) for item in argument)
        return str(left) == str(right)
    if name == "Condition":
        return holds(argument, stack)
    parts = [holds(item, stack) for item in argument]
    return {"Fn::And": all(parts), "Fn::Or": any(parts), "Fn::Not": not parts[0]}[name]


def _ref(name: str, stack: Surroundings) -> Any:
    return _NO_VALUE if name == "AWS::NoValue" else stack.reference(name)


def _get_att(argument: Any, stack: Surroundings) -> Any:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    return stack.attribute(parts[0], str(resolve(parts[1], stack)))


def _join(argument: Any, stack: Surroundings) -> Any:
    items = resolve(argument[1], stack)
    # A list that only the service knows, joined, is a text that only the service knows.
    return argument[0].join(_text(item) for item in ([items] if items == WILDCARD else items))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sub(argument: Any, stack: Surroundings) -> Any:
    text, given = argument if isinstance(argument, list) else (argument, {})

    def replaced(match: re.Match[str]) -> str:
        name = match.group(1).strip()
        if name in given:
            return _text(resolve(given[name], stack))
        return _text(_get_att(name, stack) if "." in name else stack.reference(name))

    return _DYNAMIC.sub(WILDCARD, _VARIABLE.sub(replaced, text).replace("${!", "${"))


def _split(argument: Any, stack: Surroundings) -> Any:
    text = resolve(argument[1], stack)
    return WILDCARD if text == WILDCARD else str(text).split(argument[0])


def _select(argument: Any, stack: Surroundings) -> Any:
    items = resolve(argument[1], stack)
    index = int(resolve(argument[0], stack))
    return items[index] if isinstance(items, list) and index < len(items) else WILDCARD


def _find_in_map(argument: Any, stack: Surroundings) -> Any:
    name, first, second = (resolve(item, stack) for item in argument[:3])
    row = stack.mappings.get(name, {}).get(first, {})
    return resolve(row.get(second, WILDCARD), stack)


def _if(argument: Any, stack: Surroundings) -> Any:
    return resolve(argument[1] if holds(argument[0], stack) else argument[2], stack)


def _base64(argument: Any, stack: Surroundings) -> Any:
    text = str(resolve(argument, stack))
    return WILDCARD if WILDCARD in text else base64.b64encode(text.encode()).decode()


_FUNCTIONS: Mapping[str, Callable[[Any, Surroundings], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Join": _join,
    "Fn::Sub": _sub,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::FindInMap": _find_in_map,
    "Fn::If": _if,
    "Fn::Base64": _base64,
    "Fn::ImportValue": lambda argument, stack: stack.imported(str(resolve(argument, stack))),
    "Fn::GetAZs": lambda _, stack: stack.zones(),
    "Fn::ToJsonString": lambda argument, stack: json.dumps(resolve(argument, stack)),
}
