"""Lambda: the settings of a function that moto drops, at creation or at a change."""

from __future__ import annotations

from typing import Any

from moto.awslambda.models import LambdaFunction

_KEPT = (
    "DeadLetterConfig",
    "FileSystemConfigs",
    "KMSKeyArn",
    "LoggingConfig",
    "TracingConfig",
)
_moto_init = LambdaFunction.__init__
_moto_update = LambdaFunction.update_configuration
_moto_configuration = LambdaFunction.get_configuration


def _init(self: Any, *args: Any, **options: Any) -> None:
    _moto_init(self, *args, **options)
    _keep(self, options.get("spec") or next(item for item in args if isinstance(item, dict)))


def _keep(self: Any, said: dict[str, Any]) -> None:
    self.__dict__.setdefault("kept", {}).update(
        {name: said[name] for name in _KEPT if said.get(name) is not None}
    )


def _update(self: Any, updates: dict[str, Any]) -> dict[str, Any]:
    _keep(self, updates)
    size = updates.get("EphemeralStorage", {}).get("Size")
    if size:
        self.ephemeral_storage = size
    updated: dict[str, Any] = _moto_update(self, updates)
    return updated


def _configuration(self: Any, *args: Any, **options: Any) -> dict[str, Any]:
    shown = _moto_configuration(self, *args, **options)
    return {**shown, **self.__dict__.get("kept", {})}


def install() -> None:
    """Apply the fixes."""
    function: Any = LambdaFunction
    function.__init__ = _init
    function.update_configuration = _update
    function.get_configuration = _configuration
