"""Load balancing: conditions by regular expression and checks of tokens, unknown to moto."""

from __future__ import annotations

import re
from typing import Any

from moto.elbv2.exceptions import ELBClientError, InvalidActionTypeError, InvalidConditionValueError
from moto.elbv2.models import ELBv2Backend

_LONGEST = 128
_moto_delete = ELBv2Backend.delete_load_balancer
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


def _delete_load_balancer(self: Any, arn: str) -> Any:
    """Moto deletes what is protected."""
    balancer = self.load_balancers.get(arn)
    if balancer is not None and balancer.attrs.get("deletion_protection.enabled") == "true":
        raise OperationNotPermittedError(
            f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        )
    return _moto_delete(self, arn)


class OperationNotPermittedError(ELBClientError):
    """What is asked is protected against."""

    def __init__(self, message: str) -> None:
        super().__init__("OperationNotPermitted", message)


def install() -> None:
    """Apply the fixes."""
    backend: Any = ELBv2Backend
    backend.delete_load_balancer = _delete_load_balancer
    backend._validate_actions = _validate_actions
    for method, configuration in _CONFIGURATIONS.items():
        _let_patterns_pass(method, configuration)
