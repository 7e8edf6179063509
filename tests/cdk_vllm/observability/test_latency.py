from __future__ import annotations

from cdk_vllm.catalog.metrics import engine_metrics
from cdk_vllm.observability import LATENCIES, quantile


def test_each_is_a_histogram_of_the_engine() -> None:
    for latency in LATENCIES:
        assert engine_metrics()[latency.histogram].kind == "histogram"


def test_prometheus_has_buckets_and_cloudwatch_whole_histograms() -> None:
    name = "vllm:time_to_first_token_seconds"
    assert quantile(0.95, name, '{service="a"}') == (
        f'histogram_quantile(0.95, sum by (service, le) (rate({name}_bucket{{service="a"}}[5m])))'
    )
    native = quantile(0.5, name, "", window="1m", native=True)
    assert native == f"histogram_quantile(0.5, sum by (service) (rate({name}[1m])))"
