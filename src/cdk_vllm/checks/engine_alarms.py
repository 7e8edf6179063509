"""What an engine can suffer from, and whether somebody hears of it, where its metrics are read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cdk_vllm.checks.collector import Collector, collectors
from cdk_vllm.checks.measuring import PROMQL, measuring, metric_alarms, metrics_of
from cdk_vllm.checks.template import Finding, Template, mentions, number, report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.checks.template import Resource

ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
RULE_GROUPS = "AWS::APS::RuleGroupsNamespace"
STALLED = "requests_without_tokens"
WATCHED = {
    STALLED: "a stalled engine",
    "vllm:num_requests_waiting": "requests that wait",
    "vllm:kv_cache_usage_perc": "a full KV cache",
    "vllm:num_preemptions_total": "preempted requests",
    "vllm:admission_rejections_total": "rejected requests",
}
LATENCIES = (
    "vllm:time_to_first_token_seconds",
    "vllm:inter_token_latency_seconds",
    "vllm:e2e_request_latency_seconds",
)
_PERCENTILE = re.compile(r"(p|tm|tc|ts|wm)\d|IQM|PR\(")


def engines_are_watched(template: Template) -> Iterator[Finding]:
    """Each way in which an engine fails while its health check passes has an alarm."""
    for collector in collectors(template):
        alarms = [(a, m) for a in metric_alarms(template) for m in metrics_of(a)]
        for name, what in WATCHED.items():
            if not any(metric.get("MetricName") == name for _, metric in alarms):
                yield report(engines_are_watched, collector.task, f"no alarm on {what}")


def stalls_and_silence_page(template: Template) -> Iterator[Finding]:
    """A stalled engine passes /health, and one that nobody watches looks well: both wake somebody.

    An alarm on silence takes missing data for a fault, every other one on the engine for none.
    """
    paged = str([composite.get("AlarmRule") for composite in template.of(COMPOSITE)])
    for collector in collectors(template):
        stalled = [a for a in _on(template, STALLED) if f"'{a.logical_id}'" in paged]
        silent = [
            alarm
            for alarm in metric_alarms(template)
            if alarm.get("TreatMissingData") == "breaching"
            and any(collector.publishes(str(m.get("MetricName"))) for m in metrics_of(alarm))
        ]
        wrong = {
            "no page for a stalled engine": not stalled,
            "no page when metrics stop": not any(f"'{a.logical_id}'" in paged for a in silent),
            "one silence is several alarms": len(silent) > 1,
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(stalls_and_silence_page, collector.task, message)


def _on(template: Template, name: str) -> Iterator[Resource]:
    for alarm in metric_alarms(template):
        if any(metric.get("MetricName") == name for metric in metrics_of(alarm)):
            yield alarm


def percentiles_come_from_histograms(template: Template) -> Iterator[Finding]:
    """Of what a collector publishes CloudWatch keeps sums: a percentile of them is just a mean."""
    found = list(collectors(template))
    for resource in measuring(template):
        for metric in metrics_of(resource):
            statistic = str(metric.get("ExtendedStatistic") or metric.get("Statistic"))
            is_engine_s = any(c.publishes(str(metric.get("MetricName"))) for c in found)
            if is_engine_s and _PERCENTILE.match(statistic):
                message = f"{statistic} of {metric.get('MetricName')} is no percentile"
                yield report(percentiles_come_from_histograms, resource, message)
    for collector in found:
        for histogram in LATENCIES:
            if _sends_histograms(collector) and not _is_queried(template, collector, histogram):
                message = f"no alarm on the 95th percentile of {histogram}"
                yield report(percentiles_come_from_histograms, collector.task, message)


def _sends_histograms(collector: Collector) -> bool:
    return any(collector.exporter(kind) for kind in ("otlphttp", "prometheusremotewrite"))


def _is_queried(template: Template, collector: Collector, histogram: str) -> bool:
    texts = [str(alarm.get(PROMQL)) for alarm in template.of(ALARM)]
    texts += [str(rules.get("Data")) for rules in template.of(RULE_GROUPS)]
    words = ("histogram_quantile(0.95", histogram, str(collector.service))
    return any(all(word in text for word in words) for text in texts)


def queries_fire_and_rest(template: Template) -> Iterator[Finding]:
    """A query that compares nothing always fires; one without a pause fires on one slow request."""
    for alarm in template.of(ALARM):
        criteria = alarm.get(PROMQL)
        if criteria is None:
            continue
        query = str(criteria.get("Query"))
        wrong = {
            "it compares nothing": not re.search(r"[<>=] *[\d.]+$", query),
            "it is evaluated never": not 10 <= number(alarm.get("EvaluationInterval")) <= 3600,
            "one slow request fires it": number(criteria.get("PendingPeriod")) < 60,
            "it rests at once": number(criteria.get("RecoveryPeriod")) < 60,
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(queries_fire_and_rest, alarm, message)
    for rules in template.of(RULE_GROUPS):
        if not all(mentions(rules.get("Data"), word) for word in ("alert", "expr", "severity")):
            yield report(queries_fire_and_rest, rules, "its data are no alerting rules")


RULES = (
    engines_are_watched,
    stalls_and_silence_page,
    percentiles_come_from_histograms,
    queries_fire_and_rest,
)
