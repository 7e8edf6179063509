"""Load balancing: conditions by regular expression and checks of tokens, unknown to moto."""

from __future__ import annotations

import re
from typing import Any

from moto.elbv2.exceptions import InvalidActionTypeError, InvalidConditionValueError
from moto.elbv2.models import ELBv2Backend

_LONGEST = 128
_moto_actions = ELBv2Backend._validate_actions
_CONFIGURATIONS = {
    "_validate_host_header_condition": "HostHeaderConfig",
    "_validate_http_header_condition": "HttpHeaderConfig",
    "_validate_path_pattern_condition": "PathPatternConfig",
}


def _check(pattern: str) -> None:
    """Refuse a pattern that is too long, or none."""
    if len(pattern) > _LONGEST:
        raise InvalidConditionValueError(
            f"A regular expression is too long; the limit is '{_LONGEST}'"
        )
    try:
        re.compile(pattern)
    except re.error as error:
        raise InvalidConditionValueError(f"'{pattern}' is no regular expression: {error}") from None


def _let_patterns_pass(method: str, configuration: str) -> None:
    backend: Any = ELBv2Backend
    original = getattr(backend, method)

    def validate(self: Any, condition: dict[str, Any]) -> None:
        given = condition.get(configuration) or {}
        patterns = given.get("RegexValues")
        if not patterns:
            original(self, condition)
            return
        if given.get("Values"):
            raise InvalidConditionValueError("Give either 'Values' or 'RegexValues'")
        for pattern in patterns:
            _check(pattern)

    setattr(backend, method, validate)


def _validate_actions(self: Any, actions: list[Any]) -> None:
    """Moto does not know `jwt-validation`; a forward has to follow it."""
    checks = [action for action in actions if action.type == "jwt-validation"]
    for action in checks:
        given = action.data.get("JwtValidationConfig") or {}
        if not given.get("Issuer") or not given.get("JwksEndpoint"):
            raise InvalidActionTypeError("jwt-validation", actions.index(action) + 1)
    _moto_actions(self, [action for action in actions if action not in checks])


def install() -> None:
    """Apply the fixes."""
    backend: Any = ELBv2Backend
    backend._validate_actions = _validate_actions
    for method, configuration in _CONFIGURATIONS.items():
        _let_patterns_pass(method, configuration)
