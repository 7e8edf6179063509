"""Dashboards for those who look at their services in Grafana, over Prometheus or AWS's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.observability.latency import LATENCIES, quantile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
SERVICE = '{service="$service"}'
WIDTH, HEIGHT = 24, 8

Panel = tuple[str, str, dict[str, str]]
"""Title, Grafana's name of the unit, and queries by legend."""


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
    rows = {
        "Load": (
            (
                "Requests running per replica",
                "short",
                {
                    "{{service}}": "avg by (service) "
                    "(sum by (service, instance) (vllm:num_requests_running))"
                },
            ),
            (
                "Requests waiting",
                "short",
                {"{{service}}": "sum by (service) (vllm:num_requests_waiting)"},
            ),
        ),
        "What users notice": (
            (
                "Time to first token, p95",
                "s",
                {"{{service}}": quantile(0.95, LATENCIES[0].histogram, "")},
            ),
            (
                "Rejected requests per second",
                "reqps",
                {"{{service}}": "sum by (service) (rate(vllm:admission_rejections_total[5m]))"},
            ),
        ),
        "Work": (
            (
                "Generated tokens per second",
                "short",
                {"{{service}}": "sum by (service) (rate(vllm:generation_tokens_total[5m]))"},
            ),
            (
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
    rate = f"{SERVICE}[5m]"
    tokens = f"sum(rate(vllm:generation_tokens_total{rate}))"
    replicas = 'count(up{job="vllm",service="$service"} == 1)'
    return {
        "Traffic and errors": (
            (
                "Answers per second",
                "reqps",
                {"{{status}}": f"sum by (status) (rate(http_requests_total{rate}))"},
            ),
            (
                "Rejected per second, queue full",
                "reqps",
                {"{{reason}}": f"sum by (reason) (rate(vllm:admission_rejections_total{rate}))"},
            ),
        ),
        "Latency": tuple(
            (
                latency.title,
                "s",
                {
                    f"p{round(share * 100)}": quantile(share, latency.histogram, SERVICE)
                    for share in (0.5, 0.95, 0.99)
                },
            )
            for latency in LATENCIES
        ),
        "Requests running and waiting": (
            ("Service", "short", _gauges("sum", "")),
            ("Replica", "short", _gauges("sum by (instance)", " {{instance}}")),
        ),
        "KV cache and preemptions": (
            (
                "KV cache in use",
                "percentunit",
                {"{{instance}}": f"max by (instance) (vllm:kv_cache_usage_perc{SERVICE})"},
            ),
            (
                "Preemptions per second",
                "short",
                {"preempted": f"sum(rate(vllm:num_preemptions_total{rate}))"},
            ),
            (
                "Prompt tokens found in the prefix cache",
                "percentunit",
                {
                    "hits": f"sum(rate(vllm:prefix_cache_hits_total{rate})) "
                    f"/ sum(rate(vllm:prefix_cache_queries_total{rate}))"
                },
            ),
        ),
        "Tokens and money": (
            (
                "Tokens per second",
                "short",
                {"generated": tokens, "read": f"sum(rate(vllm:prompt_tokens_total{rate}))"},
            ),
            (
                "USD per million generated tokens",
                "currencyUSD",
                {"USD": f"$usd_per_hour * {replicas} / ({tokens} * 3600) * 1000000"},
            ),
        ),
        "Replicas": (
            ("Replicas that show metrics", "short", {"replicas": replicas}),
            (
                "Time in the queue, p95",
                "s",
                {"p95": quantile(0.95, "vllm:request_queue_time_seconds", SERVICE)},
            ),
        ),
    }


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
        for place, (name, unit, targets) in enumerate(row):
            at = {"x": place * width, "y": y + 1, "w": width, "h": HEIGHT}
            panels.append(_graph(len(panels), name, unit, targets, at))
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


def _graph(
    number: int, title: str, unit: str, targets: Mapping[str, str], at: dict[str, int]
) -> dict[str, Any]:
    return _panel(number, "timeseries", title, at) | {
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": query, "legendFormat": legend}
            for place, (legend, query) in enumerate(targets.items())
        ],
    }


def _panel(number: int, kind: str, title: str, at: dict[str, int]) -> dict[str, Any]:
    return {"id": number + 1, "type": kind, "title": title, "gridPos": at}
