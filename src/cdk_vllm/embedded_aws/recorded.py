"""The types that are accepted but not emulated: a short committed list with a reason for each."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def recorded_types() -> Mapping[str, str]:
    """Return the reason for each recorded type; a key may be a pattern such as `Custom::*`."""
    text = files(__package__).joinpath("recorded.toml").read_text(encoding="utf-8")
    types: dict[str, str] = tomllib.loads(text)["types"]
    return MappingProxyType(types)


def is_recorded(type_name: str) -> bool:
    """Say whether a type is on the list."""
    return any(fnmatchcase(type_name, pattern) for pattern in recorded_types())
