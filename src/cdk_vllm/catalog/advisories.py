"""Published security advisories against vLLM."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from cdk_vllm.catalog.toml_file import read

Release = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Advisory:
    """One flaw: its `ids` in the databases, and the release that no longer has it."""

    ids: tuple[str, ...]
    fixed_in: str
    what: str

    def affects(self, version: str) -> bool:
        """Whether a version, such as `0.32.0`, has the flaw; a release candidate still does."""
        fixed, found = _release(self.fixed_in), _release(version)
        return found < fixed or (
            found == fixed and bool(re.search(r"\d(rc|\.?dev|a|b)\d", version))
        )


@cache
def advisories() -> tuple[Advisory, ...]:
    """Return every advisory, the oldest release first."""
    return tuple(
        Advisory(ids=tuple(row["ids"]), fixed_in=row["fixed_in"], what=row["what"])
        for row in read("advisories.toml")["advisories"]
    )


def open_advisories(version: str, accepted: frozenset[str] = frozenset()) -> tuple[Advisory, ...]:
    """Return what is known against a version and not accepted by one of its ids."""
    return tuple(
        advisory
        for advisory in advisories()
        if advisory.affects(version) and not accepted & set(advisory.ids)
    )


def _release(text: str) -> Release:
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text)
    if found is None:
        raise ValueError(f'"{text}" is not a release of vLLM')
    return int(found[1]), int(found[2]), int(found[3])
