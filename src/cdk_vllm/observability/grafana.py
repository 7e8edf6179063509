"""Dashboards for those who look at their services in Grafana, over Prometheus or AWS's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cdk_vllm.observability.latency import LATENCIES, quantile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdk_vllm.observability.latency import Latency

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
SERVICE = '{service="$service"}'
WIDTH, HEIGHT = 24, 8

RATE = f"{SERVICE}[5m]"
REPLICAS = f"count(count by (instance) (vllm:num_requests_running{SERVICE}))"


class Panel(NamedTuple):
    """Title, Grafana's name of the unit, queries by legend, and a value to draw a line at."""

    title: str
    unit: str
    targets: dict[str, str]
    goal: float | None = None


def service_dashboard() -> dict[str, Any]:
    """Return the dashboard of one service, chosen at its top."""
    variables = [
        _datasource(),
        {
            "name": "service",
            "label": "Service",
            "type": "query",
            "datasource": DATASOURCE,
            "query": {"query": "label_values(vllm:num_requests_running, service)", "refId": "s"},
            "refresh": 2,
        },
        {
            "name": "usd_per_hour",
            "label": "USD per hour of a replica",
            "type": "textbox",
            "query": "1",
        },
    ]
    return _dashboard("vllm-service", "vLLM service", variables, _service_rows())


def environment_dashboard() -> dict[str, Any]:
    """Return the dashboard that compares all services."""
    rows: dict[str, Sequence[Panel]] = {
        "Load": (
            Panel(
                "Requests running per replica",
                "short",
                {
                    "{{service}}": "avg by (service) "
                    "(sum by (service, instance) (vllm:num_requests_running))"
                },
            ),
            Panel(
                "Requests waiting",
                "short",
                {"{{service}}": "sum by (service) (vllm:num_requests_waiting)"},
            ),
        ),
        "What users notice": (
            Panel(
                "Time to first token, p95",
                "s",
                {"{{service}}": quantile(0.95, LATENCIES[0].histogram, "")},
            ),
            Panel(
                "Rejected requests per second",
                "reqps",
                {"{{service}}": "sum by (service) (rate(vllm:admission_rejections_total[5m]))"},
            ),
        ),
        "Work": (
            Panel(
                "Generated tokens per second",
                "short",
                {"{{service}}": "sum by (service) (rate(vllm:generation_tokens_total[5m]))"},
            ),
            Panel(
                "KV cache, the fullest",
                "percentunit",
                {"{{service}}": "max by (service) (vllm:kv_cache_usage_perc)"},
            ),
        ),
    }
    return _dashboard("vllm-environment", "vLLM environment", [_datasource()], rows)


def queries(dashboard: Mapping[str, Any]) -> list[str]:
    """Return every query of a dashboard's panels."""
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]


def _service_rows() -> dict[str, Sequence[Panel]]:
    return {
        "Traffic and errors": _traffic(),
        "Latency": tuple(_percentiles(latency) for latency in LATENCIES),
        "Requests running and waiting": (
            Panel("Service", "short", _gauges("sum", "")),
            Panel("Replica", "short", _gauges("sum by (instance)", " {{instance}}")),
        ),
        "KV cache and preemptions": _kv_cache(),
        "Tokens and money": _tokens(),
        "Replicas": (
            Panel("Replicas that show metrics", "short", {"replicas": REPLICAS}),
            Panel(
                "Time in the queue, p95",
                "s",
                {"p95": quantile(0.95, "vllm:request_queue_time_seconds", SERVICE)},
            ),
        ),
    }


def _traffic() -> tuple[Panel, ...]:
    return (
        Panel(
            "Answers per second",
            "reqps",
            {"{{status}}": f"sum by (status) (rate(http_requests_total{RATE}))"},
        ),
        Panel(
            "Rejected per second, queue full",
            "reqps",
            {"{{reason}}": f"sum by (reason) (rate(vllm:admission_rejections_total{RATE}))"},
        ),
    )


def _percentiles(latency: Latency) -> Panel:
    targets = {
        f"p{round(share * 100)}": quantile(share, latency.histogram, SERVICE)
        for share in (0.5, 0.95, 0.99)
    }
    return Panel(latency.title, "s", targets, latency.goal_seconds)


def _kv_cache() -> tuple[Panel, ...]:
    hits = f"sum(rate(vllm:prefix_cache_hits_total{RATE}))"
    return (
        Panel(
            "KV cache in use",
            "percentunit",
            {"{{instance}}": f"max by (instance) (vllm:kv_cache_usage_perc{SERVICE})"},
        ),
        Panel(
            "Preemptions per second",
            "short",
            {"preempted": f"sum(rate(vllm:num_preemptions_total{RATE}))"},
        ),
        Panel(
            "Prompt tokens found in the prefix cache",
            "percentunit",
            {"hits": f"{hits} / sum(rate(vllm:prefix_cache_queries_total{RATE}))"},
        ),
    )


def _tokens() -> tuple[Panel, ...]:
    generated = f"sum(rate(vllm:generation_tokens_total{RATE}))"
    cost = f"$usd_per_hour * {REPLICAS} / ({generated} * 3600) * 1000000"
    return (
        Panel(
            "Tokens per second",
            "short",
            {"generated": generated, "read": f"sum(rate(vllm:prompt_tokens_total{RATE}))"},
        ),
        Panel("USD per million generated tokens", "currencyUSD", {"USD": cost}),
    )


def _gauges(aggregation: str, legend: str) -> dict[str, str]:
    return {
        f"{name}{legend}": f"{aggregation} (vllm:num_requests_{name}{SERVICE})"
        for name in ("running", "waiting")
    }


def _datasource() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
    }


def _dashboard(
    uid: str,
    title: str,
    variables: Sequence[dict[str, Any]],
    rows: Mapping[str, Sequence[Panel]],
) -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    y = 0
    for heading, row in rows.items():
        panels.append(_panel(len(panels), "row", heading, {"x": 0, "y": y, "w": WIDTH, "h": 1}))
        width = WIDTH // len(row)
        for place, panel in enumerate(row):
            at = {"x": place * width, "y": y + 1, "w": width, "h": HEIGHT}
            panels.append(_graph(len(panels), panel, at))
        y += HEIGHT + 1
    panels.append(
        _panel(len(panels), "alertlist", "Alerts", {"x": 0, "y": y, "w": WIDTH, "h": HEIGHT})
    )
    return {
        "uid": uid,
        "title": title,
        "tags": ["vllm"],
        "schemaVersion": 39,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": list(variables)},
        "panels": panels,
    }


def _graph(number: int, panel: Panel, at: dict[str, int]) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.goal is not None:
        steps = [{"color": "green", "value": None}, {"color": "orange", "value": panel.goal}]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
        defaults["custom"] = {"thresholdsStyle": {"mode": "line"}}
    return _panel(number, "timeseries", panel.title, at) | {
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": query, "legendFormat": legend}
            for place, (legend, query) in enumerate(panel.targets.items())
        ],
    }


def _panel(number: int, kind: str, title: str, at: dict[str, int]) -> dict[str, Any]:
    return {"id": number + 1, "type": kind, "title": title, "gridPos": at}
