"""When alarms fire: defaults for a chat service, each of which a service may set for itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmThresholds:
    """Limits in seconds, requests and shares of one; docs/observability.md gives their reasons.

    `ttft` is the time to the first token, `itl` the time between two tokens, `e2e` the whole
    request; all three are of the slowest of twenty requests (p95).
    """

    error_ratio: float = 0.001
    minimum_requests: int = 100
    """In five minutes; below, one error would be a high ratio."""
    rejected_ratio: float = 0.05
    ttft_seconds_p95: float = 2.0
    itl_seconds_p95: float = 0.1
    e2e_seconds_p95: float = 60.0
    waiting_requests: int = 100
    waiting_requests_per_replica: int = 20
    kv_cache_usage: float = 0.9
    gpu_utilization: float = 0.7
    host_memory: float = 0.9
    host_disk: float = 0.85
    certificate_days: int = 30
