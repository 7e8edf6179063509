"""Series recorded from a real vLLM by tools/record_series.py: one file for each scenario."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
SCRAPE_SECONDS = 15
SCENARIOS = ("healthy", "overload", "stall", "died", "errors")


class Series(NamedTuple):
    """One series: its name, its labels and a value for each scrape, None where there was none."""

    name: str
    labels: dict[str, str]
    values: list[float | None]


@cache
def recorded(scenario: str) -> tuple[Series, ...]:
    """Return what the engine showed and what its clients saw."""
    return tuple(
        _series(line) for line in (HERE / f"{scenario}.txt").read_text("utf-8").splitlines()
    )


def values(scenario: str, name: str, **labels: str) -> list[float | None]:
    """Return the sum, scrape by scrape, of the series of a name with these labels."""
    found = [
        series.values
        for series in recorded(scenario)
        if series.name == name and labels.items() <= series.labels.items()
    ]
    assert found, f"{scenario} has no {name} {labels}"
    return [_total(scrape) for scrape in zip(*found, strict=True)]


def _total(scrape: tuple[float | None, ...]) -> float | None:
    known = [value for value in scrape if value is not None]
    return sum(known) if known else None


def _series(line: str) -> Series:
    # Label values hold no blanks; the recorder's notation has one between all values.
    identity, *words = line.split(" ")
    name, _, labels = identity.partition("{")
    found = dict(re.findall(r'(\w+)="([^"]*)"', labels))
    return Series(name, found, [value for word in words for value in _expanded(word)])


def _expanded(word: str) -> list[float | None]:
    if word.startswith("_"):
        return [None] * int(word[2:] or 1)
    value, _, more = word.partition("+0x")
    return [float(value)] * (int(more or 0) + 1)
