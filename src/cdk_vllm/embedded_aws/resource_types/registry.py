"""Which class serves which CloudFormation type."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from cdk_vllm.embedded_aws.recorded import is_recorded

from . import services
from .builtin import BuiltIn, EmptyShell, Recorded, moto_has

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from .resource import Place, Resource

_OVERRIDES: dict[str, type[Resource] | None] = {}
"""What a test has put in a type's place; None for a type it has taken away."""


def _class_of(type_name: str) -> type[Resource] | None:
    if type_name in _OVERRIDES:
        return _OVERRIDES[type_name]
    ours = services.SERVED.get(type_name)
    if ours is not None:
        return ours
    if is_recorded(type_name):
        return Recorded
    return BuiltIn if moto_has(type_name) else None


def serves(type_name: str) -> bool:
    """Say whether anything creates resources of this type."""
    return _class_of(type_name) is not None


def make(place: Place) -> Resource:
    """Return the resource, not yet created, that stands at `place`.

    Raises:
        LookupError: when nothing serves the type.
    """
    resource = _class_of(place.resource_type)
    if resource is None:
        raise LookupError(f"nothing serves {place.resource_type} ({place.logical_id}).")
    return resource(place)


@contextmanager
def _override(type_name: str, resource: type[Resource] | None) -> Iterator[None]:
    before = dict(_OVERRIDES)
    _OVERRIDES[type_name] = resource
    try:
        yield
    finally:
        _OVERRIDES.clear()
        _OVERRIDES.update(before)


def unregister(type_name: str) -> AbstractContextManager[None]:
    """Within the block, nothing serves `type_name`: a stack that holds one must fail by name."""
    return _override(type_name, None)


def empty_shell(type_name: str) -> AbstractContextManager[None]:
    """Within the block, `type_name` is accepted and creates nothing: a rehearsal must notice."""
    return _override(type_name, EmptyShell)
