"""What alarms and scaling policies measure, in one form: that of an alarm on one metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.template import as_list, dig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.checks.template import Resource, Template

ALARM = "AWS::CloudWatch::Alarm"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
CUSTOM = "TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification"
PROMQL = "EvaluationCriteria.PromQLCriteria"


def measuring(template: Template) -> Iterator[Resource]:
    """Yield alarms on metrics, and the scaling policies that follow metrics of one's own."""
    yield from metric_alarms(template)
    yield from (policy for policy in template.of(POLICY) if policy.get(CUSTOM))


def metric_alarms(template: Template) -> Iterator[Resource]:
    """Yield the alarms that compare a metric; those on a PromQL query name none."""
    yield from (alarm for alarm in template.of(ALARM) if alarm.get(PROMQL) is None)


def queries_of(resource: Resource) -> list[dict[str, Any]]:
    """Return the metrics and formulas that a resource compares, where it has several."""
    source = resource.get(CUSTOM) if resource.type == POLICY else resource.properties
    return as_list(dig(source, "Metrics"))


def metrics_of(resource: Resource) -> Iterator[dict[str, Any]]:
    """Yield a resource's metrics in the form of an alarm on one metric."""
    queries = queries_of(resource)
    if not queries:
        yield dict(resource.get(CUSTOM) if resource.type == POLICY else resource.properties)
    for query in queries:
        stat = query.get("MetricStat")
        if stat:
            yield {"Period": stat.get("Period"), "Statistic": stat.get("Stat")} | dict(
                stat.get("Metric") or {}
            )
