"""What a family of models answers with: its parsers, and the speculative decoding that fits it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from cdk_vllm.catalog.toml_file import read

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class FamilyFlags:
    """vLLM's parsers by name, `None` where the family has none.

    `chat_template` says whether tool calls need a template that is not the model's own;
    `speculative_methods` are those of `speculative_config` that fit, the best first.
    """

    family: str
    models: tuple[str, ...] = ()
    architectures: frozenset[str] = frozenset()
    tool_call_parser: str | None = None
    reasoning_parser: str | None = None
    chat_template: bool = False
    speculative_methods: tuple[str, ...] = ()


@cache
def families() -> Mapping[str, FamilyFlags]:
    """Return every family by name, in the order in which a model's name is compared."""
    rows = read("families.toml")["families"]
    return MappingProxyType(
        {
            name: FamilyFlags(
                family=name,
                models=tuple(row.pop("models", ())),
                architectures=frozenset(row.pop("architectures", ())),
                speculative_methods=tuple(row.pop("speculative_methods", ())),
                **row,
            )
            for name, row in ((name, dict(row)) for name, row in rows.items())
        }
    )


def family_flags(architecture: str, model: str = "") -> FamilyFlags | None:
    """Return what is known of a model's family: by its name, else by its class; else `None`.

    >>> family_flags("Qwen3ForCausalLM", "Qwen/Qwen3-8B").tool_call_parser
    'hermes'
    """
    name = model.lower()
    by_name = (
        flags
        for flags in families().values()
        if any(fnmatchcase(name, pattern) for pattern in flags.models)
    )
    by_class = (flags for flags in families().values() if architecture in flags.architectures)
    return next(by_name, None) or next(by_class, None)


@cache
def parsers() -> Mapping[str, frozenset[str]]:
    """Return the names vLLM 0.33.0 accepts, by option: tool_call_parser and reasoning_parser."""
    found = read("families.toml")["parsers"]
    return MappingProxyType({f"{kind}_parser": frozenset(names) for kind, names in found.items()})
