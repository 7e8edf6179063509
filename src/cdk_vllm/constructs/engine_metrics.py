"""The engine's gauges and counters as the collector publishes them to CloudWatch."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

NAMESPACE = "vLLM"
SCRAPE_SECONDS = 15
"""Often enough to see a KV cache that fills and empties within seconds."""
SCRAPES_PER_MINUTE = 60 // SCRAPE_SECONDS

GAUGES = (
    "vllm:num_requests_running",
    "vllm:num_requests_waiting",
    "vllm:kv_cache_usage_perc",
)
COUNTERS = (
    "vllm:generation_tokens_total",
    "vllm:prompt_tokens_total",
    "vllm:num_preemptions_total",
    "vllm:admission_rejections_total",
    "vllm:request_success_total",
    "vllm:prefix_cache_queries_total",
    "vllm:prefix_cache_hits_total",
)
HISTOGRAMS = (
    "vllm:time_to_first_token_seconds",
    "vllm:inter_token_latency_seconds",
    "vllm:e2e_request_latency_seconds",
    "vllm:request_queue_time_seconds",
)
STALLED = "requests_without_tokens"
"""Requests running, less tokens made within the last minute: above zero only on a replica that
has requests and makes nothing. A shorter time would take a long prompt for a stall."""


class EngineMetrics:
    """The published metrics of one service, whose `name` is the value of their only dimension.

    Each replica publishes every `SCRAPE_SECONDS`, counters as what they grew by. A counter's `Sum`
    is the service's, a gauge's `Average` a replica's mean, its `Maximum` the worst replica's, and
    its sum over all replicas is `total`.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def metric(
        self, name: str, statistic: str, *, minutes: int = 1, label: str | None = None
    ) -> cloudwatch.Metric:
        """Return one of `GAUGES`, `COUNTERS` or `STALLED`, over all replicas.

        A histogram's family is published too, as its sum and count: its `Average` is a mean, and
        percentiles of it would be wrong.
        """
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"service": self.name},
            statistic=statistic,
            period=Duration.minutes(minutes),
            label=label,
        )

    def total(self, name: str, *, label: str) -> cloudwatch.MathExpression:
        """Return a gauge summed over all replicas: each is in a minute's sum with every scrape."""
        short = name.rsplit("_", 1)[-1]
        return cloudwatch.MathExpression(
            expression=f"total_{short} / {SCRAPES_PER_MINUTE}",
            using_metrics={f"total_{short}": self.metric(name, "Sum")},
            label=label,
            period=Duration.minutes(1),
        )

    def requests_per_replica(self) -> cloudwatch.MathExpression:
        """Return running and waiting requests of a replica, on average: what scaling follows."""
        return cloudwatch.MathExpression(
            expression="running + waiting",
            using_metrics={
                "running": self.metric("vllm:num_requests_running", "Average"),
                "waiting": self.metric("vllm:num_requests_waiting", "Average"),
            },
            label="Requests per replica",
            period=Duration.minutes(1),
        )
