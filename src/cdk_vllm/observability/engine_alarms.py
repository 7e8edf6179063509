"""What an engine can be seen to suffer from, as PromQL: quiet while all is well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cdk_vllm.observability.latency import LATENCIES, quantile

if TYPE_CHECKING:
    from cdk_vllm.observability.thresholds import AlarmThresholds


@dataclass(frozen=True, slots=True)
class EngineAlarm:
    """A query that returns a series for each service at fault; it pages or waits as a ticket.

    `means` says what is wrong and `first` what to do first. Silence is no fault, except for
    `NoMetrics`, which is what tells of it.
    """

    name: str
    severity: Literal["page", "ticket"]
    query: str
    for_seconds: int
    means: str
    first: str

    @property
    def description(self) -> str:
        """Both sentences."""
        return f"{self.means} {self.first}"


STALL_MEANS = "A replica has requests but makes no tokens, while its health check still passes."
STALL_FIRST = "Stop that task, ECS starts another; keep its log, it names the request it hangs on."
NO_METRICS_MEANS = "No replica has shown metrics for minutes: nobody would notice anything else."
NO_METRICS_FIRST = "If requests still work, look at the collector's log; if not, at the service's."
WAITING_MEANS = "More requests wait than the replicas can serve soon."
WAITING_FIRST = "If all replicas run, raise replicas.max; if some are missing, look for capacity."
KV_MEANS = "The KV cache is nearly full: soon requests are preempted and start again."
KV_FIRST = "Raise replicas.max, or plan with more concurrent_requests or longer prompts."
PREEMPTIONS_MEANS = "Requests lose their place in the KV cache and are computed twice."
PREEMPTIONS_FIRST = "Requests are longer than planned: plan anew with their real lengths."
REJECTIONS_MEANS = "The queue is full, and requests are answered with 503 at once."
REJECTIONS_FIRST = "Raise replicas.max; clients should wait and try again."
ERRORS_MEANS = "Too many requests fail."
ERRORS_FIRST = "Read the service's log for an engine that died; undo the last change."
_SLOW = {
    "ttft": "The first token takes too long: requests queue, or prompts are longer than planned.",
    "itl": "Tokens come too slowly: batches are larger than planned, or a GPU is throttled.",
    "e2e": "Whole requests take too long: they queue, or answers are longer than planned.",
}
_SLOW_FIRST = "Look at waiting requests first; raise replicas.max, or plan a faster instance."


def engine_alarms(thresholds: AlarmThresholds, selector: str = "") -> tuple[EngineAlarm, ...]:
    """Return the alarms on series that match `selector`, such as `{service="chat"}`."""
    return (
        *_presence(selector),
        *_load(thresholds, selector),
        *_failures(thresholds, selector),
        *latency_alarms(thresholds, selector),
    )


def latency_alarms(
    thresholds: AlarmThresholds, selector: str = "", *, native: bool = False
) -> tuple[EngineAlarm, ...]:
    """Return the alarms on percentiles; `native` as in `quantile`."""
    limits = (
        thresholds.ttft_seconds_p95,
        thresholds.itl_seconds_p95,
        thresholds.e2e_seconds_p95,
    )
    return tuple(
        EngineAlarm(
            f"Slow{latency.name.title()}",
            "ticket",
            f"{quantile(0.95, latency.histogram, selector, native=native)} > {limit:g}",
            300,
            _SLOW[latency.name],
            _SLOW_FIRST,
        )
        for latency, limit in zip(LATENCIES, limits, strict=True)
    )


def _presence(selector: str) -> tuple[EngineAlarm, ...]:
    running = f"min by (service, instance) (min_over_time(vllm:num_requests_running{selector}[3m]))"
    tokens = f"sum by (service, instance) (increase(vllm:generation_tokens_total{selector}[3m]))"
    # What has been seen within the hour, or is asked for by name, ought to be there.
    seen = f"count by (service) (count_over_time(vllm:num_requests_running{selector}[1h]))"
    live = f"count by (service) (vllm:num_requests_running{selector})"
    return (
        EngineAlarm(
            "Stall", "page", f"{running} > 0 and {tokens} == 0", 60, STALL_MEANS, STALL_FIRST
        ),
        EngineAlarm(
            "NoMetrics", "page", f"{seen} unless {live}", 180, NO_METRICS_MEANS, NO_METRICS_FIRST
        ),
    )


def _load(thresholds: AlarmThresholds, selector: str) -> tuple[EngineAlarm, ...]:
    waiting = f"vllm:num_requests_waiting{selector}"
    replica = f"avg by (service) (sum by (service, instance) ({waiting}))"
    preemptions = f"sum by (service) (rate(vllm:num_preemptions_total{selector}[5m]))"
    # Under preemption the usage falls and rises within seconds: one scrape may see it low.
    usage = f"max by (service) (max_over_time(vllm:kv_cache_usage_perc{selector}[1m]))"
    return (
        EngineAlarm(
            "Waiting",
            "ticket",
            f"sum by (service) ({waiting}) > {thresholds.waiting_requests}",
            300,
            WAITING_MEANS,
            WAITING_FIRST,
        ),
        EngineAlarm(
            "WaitingPerReplica",
            "ticket",
            f"{replica} > {thresholds.waiting_requests_per_replica}",
            300,
            WAITING_MEANS,
            WAITING_FIRST,
        ),
        EngineAlarm(
            "KvCacheFull",
            "ticket",
            f"{usage} > {thresholds.kv_cache_usage:g}",
            300,
            KV_MEANS,
            KV_FIRST,
        ),
        EngineAlarm(
            "Preemptions",
            "ticket",
            f"{preemptions} > 0",
            300,
            PREEMPTIONS_MEANS,
            PREEMPTIONS_FIRST,
        ),
    )


def _failures(thresholds: AlarmThresholds, selector: str) -> tuple[EngineAlarm, ...]:
    rejected = f"sum by (service) (increase(vllm:admission_rejections_total{selector}[5m]))"
    asked = f"sum by (service) (increase(http_requests_total{selector}[5m]))"
    status = '{status="5xx"}' if not selector else selector.removesuffix("}") + ',status="5xx"}'
    failed = f"sum by (service) (increase(http_requests_total{status}[5m]))"
    enough = f"{asked} >= {thresholds.minimum_requests}"
    return (
        EngineAlarm(
            "Rejections", "ticket", f"{rejected} > 0", 0, REJECTIONS_MEANS, REJECTIONS_FIRST
        ),
        EngineAlarm(
            "Overloaded",
            "page",
            f"{rejected} / {asked} > {thresholds.rejected_ratio:g} and {enough}",
            300,
            REJECTIONS_MEANS,
            REJECTIONS_FIRST,
        ),
        EngineAlarm(
            "ErrorRatio",
            "page",
            f"({failed} - {rejected}) / {asked} > {thresholds.error_ratio:g} and {enough}",
            180,
            ERRORS_MEANS,
            ERRORS_FIRST,
        ),
    )
