"""vLLM's own options, and which of them a service may not set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cdk_vllm.catalog.toml_file import read

if TYPE_CHECKING:
    from collections.abc import Mapping

FORBIDDEN = ("owned", "unsafe", "unsized", "gone")


@dataclass(frozen=True, kw_only=True)
class EngineOption:
    """One option of `vllm serve`.

    `kind` is `flag`, `int`, `float`, `str`, `json` or `choices` (then `choices` lists them).
    `negative` is the flag that switches a flag off, `None` where vLLM has none. `many` takes
    several words.
    """

    name: str
    flag: str
    kind: str
    negative: str | None
    choices: tuple[str, ...]
    aliases: tuple[str, ...]
    many: bool


@cache
def engine_options() -> Mapping[str, EngineOption]:
    """Return every option of `vllm serve` by its name with underscores."""
    rows: dict[str, dict[str, Any]] = read("engine_options.toml")["options"]
    return MappingProxyType({name: _option(name, row) for name, row in rows.items()})


def _option(name: str, row: dict[str, Any]) -> EngineOption:
    return EngineOption(
        name=name,
        flag=row["flag"],
        kind=row["kind"],
        negative=row.get("negative"),
        choices=tuple(row.get("choices", ())),
        aliases=tuple(row.get("aliases", ())),
        many=row.get("many", False),
    )


@cache
def forbidden_options() -> Mapping[str, str]:
    """Return the reason for every option that a service may not set, gone ones included."""
    policy = read("engine_policy.toml")
    return MappingProxyType(
        {name: why for group in FORBIDDEN for name, why in policy[group].items()}
    )
