"""What is watched, and where the limits are: queries and thresholds, for any system that alarms.

The constructs make CloudWatch alarms of it; `prometheus` and `grafana` write the same for those who
run their own. Nothing here knows AWS, and every series named is in `catalog/metrics.toml`.
"""

from __future__ import annotations

from cdk_vllm.observability.latency import LATENCIES, Latency, quantile
from cdk_vllm.observability.thresholds import AlarmThresholds

__all__ = ["LATENCIES", "AlarmThresholds", "Latency", "quantile"]
