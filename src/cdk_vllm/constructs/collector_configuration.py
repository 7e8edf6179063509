"""What the OpenTelemetry collector beside vLLM does: scrape it, and send it on.

Keys are those of the AWS distribution's v0.45.1 (contrib 0.136): the receivers, processors and
exporters named here are on its list of components.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.constructs.engine_metrics import (
    COUNTERS,
    GAUGES,
    HISTOGRAMS,
    NAMESPACE,
    SCRAPE_SECONDS,
    STALLED,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

REPLICA = "aws.ecs.task.id"
"""The attribute that tells one replica from another."""
MINUTELY = "prometheus/minutely"
_RUNNING, _TOKENS = "vllm:num_requests_running", "vllm:generation_tokens_total"


def collector_configuration(
    *,
    name: str,
    port: int,
    region: str,
    log_group_name: str,
    otlp: bool,
    remote_write_url: str | None,
) -> dict[str, Any]:
    """Return the collector's configuration for a service called `name`.

    Gauges and counters become CloudWatch metrics, because scaling and alarms on silence need those.
    Histograms go to CloudWatch by OTLP where `otlp`, to Amazon Managed Prometheus where there is a
    `remote_write_url`, and otherwise nowhere. Only 127.0.0.1 is scraped and nothing is listened on.
    """
    exporters: dict[str, Any] = {"awsemf": _embedded_metrics(region, log_group_name)}
    pipelines = {
        "metrics/gauges": _pipeline("prometheus", _GAUGE_STEPS, "awsemf"),
        "metrics/stall": _pipeline(MINUTELY, _STALL_STEPS, "awsemf"),
    }
    extensions: dict[str, Any] = {}
    if otlp:
        endpoint = f"https://monitoring.{region}.amazonaws.com/v1/metrics"
        auth = {"authenticator": "sigv4auth"}
        exporters["otlphttp"] = {"metrics_endpoint": endpoint, "auth": auth}
        extensions["sigv4auth"] = {"region": region, "service": "monitoring"}
        pipelines["metrics/histograms"] = _pipeline(MINUTELY, _HISTOGRAM_STEPS, "otlphttp")
    elif remote_write_url:
        exporters["prometheusremotewrite"] = {
            "endpoint": remote_write_url,
            "auth": {"authenticator": "sigv4auth"},
            "resource_to_telemetry_conversion": {"enabled": True},
        }
        extensions["sigv4auth"] = {"region": region, "service": "aps"}
        pipelines["metrics/histograms"] = _pipeline(
            MINUTELY, _HISTOGRAM_STEPS, "prometheusremotewrite"
        )
    return {
        "extensions": extensions,
        "receivers": {
            "prometheus": _scraping(name, port, SCRAPE_SECONDS),
            MINUTELY: _scraping(name, port, 60),
        },
        "processors": _processors(),
        "exporters": exporters,
        "service": {"extensions": list(extensions), "pipelines": pipelines},
    }


_GAUGE_STEPS = ("memory_limiter", "filter/gauges", "cumulativetodelta", "resourcedetection")
_STALL_STEPS = (
    "memory_limiter",
    "filter/stall",
    "cumulativetodelta",
    "experimental_metricsgeneration",
    "filter/stalled",
    "resourcedetection",
)
_HISTOGRAM_STEPS = (
    "memory_limiter",
    "filter/histograms",
    "resourcedetection",
    "resource/instance",
    "batch",
)


def _pipeline(receiver: str, processors: Sequence[str], exporter: str) -> dict[str, list[str]]:
    return {
        "receivers": [receiver],
        "processors": list(processors),
        "exporters": [exporter],
    }


def _scraping(name: str, port: int, seconds: int) -> dict[str, Any]:
    scrape = {
        "job_name": "vllm",
        "scrape_interval": f"{seconds}s",
        "scrape_timeout": "10s",
        "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": {"service": name}}],
    }
    return {"config": {"scrape_configs": [scrape]}}


def _processors() -> dict[str, Any]:
    included = {"match_type": "strict", "metrics": [*COUNTERS, *HISTOGRAMS]}
    return {
        "memory_limiter": {"check_interval": "5s", "limit_mib": 200},
        "filter/gauges": _only([*GAUGES, *COUNTERS, *HISTOGRAMS]),
        "filter/stall": _only([_RUNNING, _TOKENS]),
        "filter/stalled": _only([STALLED]),
        "filter/histograms": _only([*GAUGES, *COUNTERS, *HISTOGRAMS, "http_requests_total"]),
        "cumulativetodelta": {"include": included},
        # Since contrib 0.112 also where the second metric is 0, which is the stall itself. It takes
        # that metric's first point, which is all there is: a replica has one engine.
        "experimental_metricsgeneration": {
            "rules": [
                {
                    "name": STALLED,
                    "type": "calculate",
                    "metric1": _RUNNING,
                    "metric2": _TOKENS,
                    "operation": "subtract",
                }
            ]
        },
        "resourcedetection": {"detectors": ["env", "ecs"], "timeout": "5s", "override": False},
        # Every replica is scraped at the same address, so that would tell none from another.
        "resource/instance": {
            "attributes": [
                {"key": "service.instance.id", "from_attribute": REPLICA, "action": "upsert"}
            ]
        },
        "batch": {"timeout": "10s", "send_batch_size": 200},
    }


def _only(names: list[str]) -> dict[str, Any]:
    return {"metrics": {"include": {"match_type": "strict", "metric_names": names}}}


def _embedded_metrics(region: str, log_group_name: str) -> dict[str, Any]:
    published = [*GAUGES, *COUNTERS, *HISTOGRAMS, STALLED]
    return {
        "namespace": NAMESPACE,
        "region": region,
        "log_group_name": log_group_name,
        "log_stream_name": "{TaskId}",
        "dimension_rollup_option": "NoDimensionRollup",
        "resource_to_telemetry_conversion": {"enabled": True},
        "metric_declarations": [
            {"dimensions": [["service"]], "metric_name_selectors": _exactly(published)},
            {"dimensions": [["service", REPLICA]], "metric_name_selectors": _exactly(GAUGES)},
        ],
    }


def _exactly(names: Sequence[str]) -> list[str]:
    """Selectors are regular expressions; none of the names has a character special to them."""
    return [f"^{name}$" for name in names]
