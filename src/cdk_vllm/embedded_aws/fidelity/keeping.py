"""Keeping what a request said on the model that moto's answer is serialized from.

moto's newer services serialize an answer by looking up each member of the operation's output shape
on the model, in snake case. What the request said under the same name can so be kept there.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from botocore import xform_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def keep(
    response_class: Any, action: str, find: str | Callable[[Any, Any], Any], names: Iterable[str]
) -> None:
    """Make `action` keep the named request parameters on the model it answers with.

    `find` is the member of the answer that holds the model, or a function of response and answer.
    """
    wanted = tuple(names)

    def after(response: Any, answer: Any) -> None:
        model = answer.result[find] if isinstance(find, str) else find(response, answer)
        for name in wanted:
            value = response._get_param(name)
            if value is not None:
                setattr(model, xform_name(name), value)

    then(response_class, action, after)


def then(response_class: Any, action: str, after: Callable[[Any, Any], None]) -> None:
    """Make `action` call `after(response, answer)` once it has its answer."""
    original = getattr(response_class, action)

    @functools.wraps(original)
    def wrapped(self: Any) -> Any:
        answer = original(self)
        after(self, answer)
        return answer

    setattr(response_class, action, wrapped)
