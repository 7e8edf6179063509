"""A stack's parameters: as given, and as the template sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .scope import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def given_or_default(template: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return every parameter's value as text: what the stack was given, or the default.

    moto keeps the value behind an `AWS::SSM::Parameter::Value<>` instead of the path it was
    given, so an update with UsePreviousValue looks for a parameter of that value's name.

    Raises:
        TemplateError: when a parameter has neither, or is given a value it does not allow.
    """
    declared = template.get("Parameters") or {}
    values = {}
    for name, declaration in declared.items():
        value = given.get(name, declaration.get("Default"))
        if value is None:
            raise TemplateError(f"Parameters: [{name}] must have values")
        allowed = declaration.get("AllowedValues")
        if allowed and str(value) not in map(str, allowed):
            raise TemplateError(
                f"Parameter '{name}' must be one of AllowedValues: {', '.join(map(str, allowed))}"
            )
        values[name] = value
    return values


def seen_by_template(
    template: Mapping[str, Any], values: Mapping[str, Any], stored: Callable[[str], str]
) -> dict[str, Any]:
    """Return the values `Ref` gives: lists split, SSM paths replaced by what is stored there.

    Raises:
        TemplateError: when Parameter Store holds nothing at a path.
    """
    declared = template.get("Parameters") or {}
    return {
        name: _typed(str(declared[name].get("Type", "String")), value, stored)
        for name, value in values.items()
    }


def _typed(kind: str, value: Any, stored: Callable[[str], str]) -> Any:
    if kind.startswith("AWS::SSM::Parameter::Value<"):
        kind, value = kind.removeprefix("AWS::SSM::Parameter::Value<")[:-1], stored(str(value))
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [item.strip() for item in str(value).split(",")]
    return str(value).lower() if isinstance(value, bool) else str(value)
