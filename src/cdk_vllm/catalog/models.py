"""Models whose shape is known, under the names of Hugging Face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cdk_vllm.catalog.toml_file import read

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model's shape: `fields` are a `ModelShape`'s keyword arguments, `source` their origin."""

    name: str
    fields: Mapping[str, Any]
    source: str


@cache
def models() -> Mapping[str, Model]:
    """Return every known model by its Hugging Face name."""
    rows: dict[str, dict[str, Any]] = read("models.toml")["models"]
    return MappingProxyType({name: _model(name, row) for name, row in rows.items()})


def _model(name: str, row: dict[str, Any]) -> Model:
    fields = {key: value for key, value in row.items() if key != "source"}
    return Model(name=name, fields=MappingProxyType(fields), source=row["source"])
