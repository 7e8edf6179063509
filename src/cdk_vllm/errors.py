"""The errors a user can cause; each is one sentence, shown without a traceback."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class CdkVllmError(Exception):
    """What is wrong, the value, what is allowed, and the likely fix, in one sentence."""

    exit_code = 1


class InputError(CdkVllmError):
    """The user's input is wrong: a file, a key, a value or an argument."""

    exit_code = 2


class PlanError(CdkVllmError):
    """No plan answers the request, or a committed plan no longer does."""

    exit_code = 3


class RehearsalError(CdkVllmError):
    """The rehearsal could not run, or what it deployed is not what the templates say."""

    exit_code = 4


def nearest(value: str, allowed: Iterable[str]) -> str:
    """Return ` Did you mean "x"?` for the closest allowed name, or an empty string."""
    matches = get_close_matches(value, list(allowed), n=1, cutoff=0.5)
    return f' Did you mean "{matches[0]}"?' if matches else ""
