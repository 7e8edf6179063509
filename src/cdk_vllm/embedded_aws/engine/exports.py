"""Exports and imports between stacks; moto lets an export change or go while it is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import Export

from .scope import TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .stack import EngineStack


def _backend(stack: EngineStack) -> Any:
    return cloudformation_backends[stack.account_id][stack.region_name]


def imported_value(stack: EngineStack, name: str) -> str:
    """Return an export's value and note that `stack` uses it.

    Raises:
        TemplateError: when no stack exports the name.
    """
    exported = _backend(stack).exports.get(name)
    if exported is None:
        raise TemplateError(f"No export named {name} found.")
    stack.imported.add(name)
    return str(exported.value)


def importers(stack: EngineStack, name: str) -> list[str]:
    """Return the names of the other stacks that import `name`."""
    return sorted(
        other.name
        for other in _backend(stack).stacks.values()
        if other is not stack and name in getattr(other, "imported", ())
    )


def replace(stack: EngineStack, new: Mapping[str, str]) -> None:
    """Put `stack`'s exports in place of its earlier ones.

    Raises:
        TemplateError: when one in use would change or go, or another stack has the name.
    """
    backend = _backend(stack)
    for export in stack.exports:
        users = importers(stack, export.name)
        if users and new.get(export.name) != export.value:
            done = "updated" if export.name in new else "deleted"
            raise TemplateError(
                f"Export {export.name} cannot be {done} as it is in use by {', '.join(users)}"
            )
    for name in new:
        owner = backend.exports.get(name)
        if owner is not None and owner.exporting_stack_id != stack.stack_id:
            raise TemplateError(
                f"Export with name {name} is already exported by stack {owner.exporting_stack_id}"
            )
    withdraw(stack)
    for name, value in new.items():
        backend.exports[name] = Export(stack.stack_id, name, value)


def withdraw(stack: EngineStack) -> None:
    """Remove every export of `stack`."""
    for export in stack.exports:
        _backend(stack).exports.pop(export.name, None)


def refusal_to_delete(stack: EngineStack) -> str | None:
    """Return why the stack cannot be deleted, if another uses its exports."""
    for export in stack.exports:
        users = importers(stack, export.name)
        if users:
            return f"Export {export.name} cannot be deleted as it is in use by {', '.join(users)}"
    return None
