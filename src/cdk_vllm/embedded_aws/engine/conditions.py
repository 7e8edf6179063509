"""A template's `Conditions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .scope import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scope import Scope

    Resolve = Callable[[Any, "Scope"], Any]


def holds(name: str, scope: Scope, resolve: Resolve) -> bool:
    """Say whether the named condition is true; each is evaluated once.

    Raises:
        TemplateError: when the template has no such condition.
    """
    if name not in scope.conditions:
        definitions = scope.template.get("Conditions", {})
        if name not in definitions:
            raise TemplateError(f"Template error: unresolved condition dependency {name}")
        scope.conditions[name] = _evaluate(definitions[name], scope, resolve)
    return scope.conditions[name]


def _evaluate(expression: Any, scope: Scope, resolve: Resolve) -> bool:
    ((function, argument),) = expression.items()
    match function:
        case "Condition":
            return holds(argument, scope, resolve)
        case "Fn::Not":
            return not _evaluate(argument[0], scope, resolve)
        case "Fn::And":
            return all(_evaluate(item, scope, resolve) for item in argument)
        case "Fn::Or":
            return any(_evaluate(item, scope, resolve) for item in argument)
        case "Fn::Equals":
            left, right = (_comparable(resolve(item, scope)) for item in argument)
            return bool(left == right)
    raise TemplateError(f"Template error: {function} is not a condition function")


def _comparable(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else str(value)
