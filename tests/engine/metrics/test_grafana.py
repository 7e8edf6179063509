"""Every panel of the Grafana dashboards shows something of a service that works or suffers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.observability.grafana import queries
from tests.engine.metrics.prometheus import START
from tests.recorded.series import SCRAPE_SECONDS, recorded

if TYPE_CHECKING:
    from tests.engine.metrics.prometheus import Prometheus

FOLDER = Path(__file__).parents[3] / "observability" / "grafana"
QUERIES = [
    (file.stem, query)
    for file in sorted(FOLDER.glob("*.json"))
    for query in queries(json.loads(file.read_text("utf-8")))
]
VARIABLES = {"$service": "{}", "$usd_per_hour": "2.24"}


@pytest.mark.parametrize(("dashboard", "query"), QUERIES)
@pytest.mark.parametrize("scenario", ["healthy", "overload"])
def test_a_panel_shows_numbers(
    prometheus: Prometheus, dashboard: str, query: str, scenario: str
) -> None:
    for name, value in VARIABLES.items():
        query = query.replace(name, value.format(scenario))
    assert "$" not in query
    at = START + 4 * 60
    found = prometheus.query(query, at)
    assert found, f"{dashboard}: {query}"
    assert all(series["value"][1] not in ("NaN", "+Inf") for series in found), (query, found)


def test_a_query_of_a_series_that_is_not_there_shows_nothing(prometheus: Prometheus) -> None:
    assert prometheus.query("vllm:gpu_cache_usage_perc", START + 240) == []
    end = START + len(recorded("healthy")[0].values) * SCRAPE_SECONDS
    assert prometheus.query("vllm:kv_cache_usage_perc", end + 3600) == []
