"""The dashboards' form; tests/engine/metrics asks a real Prometheus each of their queries."""

from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm.observability.grafana import environment_dashboard, queries, service_dashboard

BOTH = [service_dashboard(), environment_dashboard()]


@pytest.mark.parametrize("dashboard", BOTH, ids=lambda d: d["uid"])
def test_panels_fill_the_grid_without_overlap(dashboard: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_a_service_is_shown_from_all_sides() -> None:
    rows = [p["title"] for p in service_dashboard()["panels"] if p["type"] == "row"]
    assert rows == [
        "Traffic and errors",
        "Latency",
        "Requests running and waiting",
        "KV cache and preemptions",
        "Tokens and money",
        "Replicas",
    ]
    percentiles = [query for query in queries(service_dashboard()) if "histogram" in query]
    assert len(percentiles) == 10


def test_every_query_of_a_service_asks_for_it_alone() -> None:
    assert all('service="$service"' in query for query in queries(service_dashboard()))
