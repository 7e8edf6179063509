"""Percentiles of what users wait for, out of the engine's histograms."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Latency:
    """One histogram of the engine's: its short name, its family, and what it tells users.

    `goal_seconds` is a line on dashboards, where no alarm is: what feels immediate to who waits.
    """

    name: str
    histogram: str
    title: str
    goal_seconds: float | None = None


LATENCIES = (
    Latency("ttft", "vllm:time_to_first_token_seconds", "Time to first token", 0.2),
    Latency("itl", "vllm:inter_token_latency_seconds", "Time between tokens"),
    Latency("e2e", "vllm:e2e_request_latency_seconds", "Whole request"),
)


def quantile(
    share: float, histogram: str, selector: str, *, window: str = "5m", native: bool = False
) -> str:
    """Return PromQL for a percentile in seconds over all replicas of each service.

    Prometheus stores a series for each bucket, which `le` tells apart. CloudWatch stores what comes
    by OTLP as one `native` histogram under the family's own name.
    """
    if native:
        inner = f"sum by (service) (rate({histogram}{selector}[{window}]))"
    else:
        inner = f"sum by (service, le) (rate({histogram}_bucket{selector}[{window}]))"
    return f"histogram_quantile({share}, {inner})"
