"""CloudFormation's intrinsic functions, strict: what comes to nothing is an error that names it.

moto resolves a `Ref` to an ignored resource to None, leaves an unknown `${Name}` in place, always
gives four availability zones, and has no `Fn::Cidr`, `Fn::Length` or dynamic references.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from typing import TYPE_CHECKING, Any

from .conditions import holds
from .scope import NO_VALUE, TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scope import Scope

_SUBSTITUTION = re.compile(r"\$\{(!?)([^}]+)\}")
_DYNAMIC = re.compile(r"\{\{resolve:([^}]+)\}\}")


def resolve(value: Any, scope: Scope) -> Any:
    """Return `value` with every function evaluated and every `AWS::NoValue` left out.

    Raises:
        TemplateError: for a name, attribute, mapping or import that comes to nothing.
    """
    if isinstance(value, dict):
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in _FUNCTIONS:
                return _FUNCTIONS[name](argument, scope)
            if name.startswith("Fn::"):
                raise TemplateError(f"Template error: {name} is not a function we evaluate")
        resolved = {key: resolve(item, scope) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}
    if isinstance(value, list):
        items = [resolve(item, scope) for item in value]
        return [item for item in items if item is not NO_VALUE]
    if isinstance(value, str) and "{{resolve:" in value:
        return _DYNAMIC.sub(lambda match: scope.dynamic_value(match[1]), value)
    return value


def _ref(name: Any, scope: Scope) -> Any:
    return scope.named(name)


def _get_att(argument: Any, scope: Scope) -> Any:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    return scope.attribute(parts[0], str(resolve(parts[1], scope)))


def _if(argument: Any, scope: Scope) -> Any:
    condition, when_true, when_false = argument
    return resolve(when_true if holds(condition, scope, resolve) else when_false, scope)


def _join(argument: Any, scope: Scope) -> str:
    separator, items = argument
    return str(separator).join(_text(item) for item in resolve(items, scope))


def _split(argument: Any, scope: Scope) -> list[str]:
    separator, text = argument
    return str(resolve(text, scope)).split(separator)


def _select(argument: Any, scope: Scope) -> Any:
    index, items = resolve(argument, scope)
    try:
        return items[int(index)]
    except IndexError:
        raise TemplateError(
            f"Template error: Fn::Select cannot select nonexistent value at index {index}"
        ) from None


def _sub(argument: Any, scope: Scope) -> str:
    text, given = argument if isinstance(argument, list) else (argument, {})
    local = {name: resolve(item, scope) for name, item in given.items()}

    def value(match: re.Match[str]) -> str:
        literal, name = match[1], match[2].strip()
        if literal:
            return f"${{{name}}}"
        if name in local:
            return _text(local[name])
        found = _get_att(name, scope) if "." in name else scope.named(name)
        return _text(found)

    return str(resolve(_SUBSTITUTION.sub(value, text), scope))


def _find_in_map(argument: Any, scope: Scope) -> Any:
    names = [str(resolve(item, scope)) for item in argument[:3]]
    found: Any = scope.template.get("Mappings", {})
    for name in names:
        if name not in found:
            if len(argument) > 3:
                return resolve(argument[3]["DefaultValue"], scope)
            raise TemplateError(f"Template error: unable to get mapping for {'::'.join(names)}")
        found = found[name]
    return found


def _import_value(argument: Any, scope: Scope) -> Any:
    return scope.import_value(str(resolve(argument, scope)))


def _zones(argument: Any, scope: Scope) -> list[str]:
    return scope.zones(str(resolve(argument, scope) or scope.names["AWS::Region"]))


def _base64(argument: Any, scope: Scope) -> str:
    return base64.b64encode(str(resolve(argument, scope)).encode()).decode()


def _cidr(argument: Any, scope: Scope) -> list[str]:
    block, count, *bits = resolve(argument, scope)
    network = ipaddress.ip_network(block)
    prefix = network.max_prefixlen - int(bits[0] if bits else 8)
    subnets = network.subnets(new_prefix=prefix)
    return [str(subnet) for subnet, _ in zip(subnets, range(int(count)), strict=False)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    return str(value)


_FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::Sub": _sub,
    "Fn::FindInMap": _find_in_map,
    "Fn::ImportValue": _import_value,
    "Fn::GetAZs": _zones,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::Length": lambda argument, scope: len(resolve(argument, scope)),
    "Fn::ToJsonString": lambda argument, scope: json.dumps(resolve(argument, scope)),
}
