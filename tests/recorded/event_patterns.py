"""Whether EventBridge would send an event on: its patterns' documented rules, those used here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Say whether every field of the pattern is in the event with one of the listed values.

    A field of the event that is a list matches with any of its items. Values are compared exactly;
    of the content filters, `prefix`, `suffix`, `anything-but` and `exists` are known.
    """
    return all(_field(wanted, event.get(name), name in event) for name, wanted in pattern.items())


def _field(wanted: Any, found: Any, present: bool) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and matches(wanted, found)
    candidates = found if isinstance(found, list) else [found]
    return any(_one(option, candidate, present) for option in wanted for candidate in candidates)


def _one(option: Any, found: Any, present: bool) -> bool:
    if not isinstance(option, dict):
        return present and type(option) is type(found) and bool(option == found)
    ((name, operand),) = option.items()
    match name:
        case "exists":
            return bool(operand) is present
        case "prefix":
            return isinstance(found, str) and found.startswith(operand)
        case "suffix":
            return isinstance(found, str) and found.endswith(operand)
        case "anything-but":
            others = operand if isinstance(operand, list) else [operand]
            return present and found not in others
    raise AssertionError(f"unknown filter {name}")
