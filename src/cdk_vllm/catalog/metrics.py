"""The metrics vLLM's server shows, by version: their names belong to the engine, not to us."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from cdk_vllm.catalog.toml_file import read

if TYPE_CHECKING:
    from collections.abc import Mapping

_SERIES = re.compile(r"(?<![\w-])(?:vllm:|http_requests_)[a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class EngineMetric:
    """One family of series: `kind` is gauge, counter or histogram; `versions` show it by default.

    `labels` are those of a running server, without `le`; empty where no server was scraped.
    """

    name: str
    kind: str
    versions: frozenset[str]
    labels: frozenset[str]

    @property
    def series(self) -> tuple[str, ...]:
        """The names Prometheus stores: a histogram has three, a counter one with `_total`."""
        if self.kind == "histogram":
            return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
        return (f"{self.name}_total",) if self.kind == "counter" else (self.name,)


@cache
def engine_metrics() -> Mapping[str, EngineMetric]:
    """Return every family by its name, without `_total` or `_bucket`."""
    rows = read("metrics.toml")["metrics"]
    return MappingProxyType(
        {
            name: EngineMetric(
                name, row["kind"], frozenset(row["versions"]), frozenset(row.get("labels", ()))
            )
            for name, row in rows.items()
        }
    )


@cache
def metric_versions() -> tuple[str, ...]:
    """Return the versions of vLLM the table knows, the oldest first."""
    return tuple(read("metrics.toml")["versions"])


def series_in(query: str) -> set[str]:
    """Return the engine's series that a query or a configuration names."""
    return set(_SERIES.findall(query))


def unknown_series(query: str, version: str) -> set[str]:
    """Return the series in a query that the engine of this version does not show.

    A histogram's family counts as one, since OpenTelemetry keeps it whole.
    """
    shown = [metric for metric in engine_metrics().values() if version in metric.versions]
    known = {name for metric in shown for name in metric.series}
    known |= {metric.name for metric in shown if metric.kind == "histogram"}
    return series_in(query) - known
