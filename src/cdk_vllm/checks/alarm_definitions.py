"""Whether an alarm can fire at all: it measures something, and an event finds its listener."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.template import Finding, Resource, Template, as_list, dig, number, report

if TYPE_CHECKING:
    from collections.abc import Iterator

ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
STATISTIC = re.compile(r"(p|tm|tc|ts|wm)\d{1,3}(\.\d+)?|IQM|PR\(.*\)")
DEPLOYMENT_FAILED = "SERVICE_DEPLOYMENT_FAILED"
PLACEMENT_FAILED = "SERVICE_TASK_PLACEMENT_FAILURE"
LAUNCH_FAILED = "EC2 Instance Launch Unsuccessful"
ECS_EVENTS = (DEPLOYMENT_FAILED, PLACEMENT_FAILED, "SERVICE_TASK_START_IMPAIRED", LAUNCH_FAILED)
STATISTICS = ("Average", "Maximum", "Minimum", "SampleCount", "Sum")


def alarms_compare_something(template: Template) -> Iterator[Finding]:
    """An alarm without a bound or a span of time stays quiet, or is refused when it is deployed."""
    for alarm in template.of(ALARM):
        if "PromQL" in str(alarm.properties):
            continue
        periods = number(alarm.get("EvaluationPeriods"))
        points = number(alarm.get("DatapointsToAlarm", periods))
        wrong = {
            "no ComparisonOperator": not alarm.get("ComparisonOperator"),
            "no Threshold": number(alarm.get("Threshold")) == float("-inf")
            and not alarm.get("ThresholdMetricId"),
            "EvaluationPeriods is not set": periods < 1,
            "DatapointsToAlarm is not 1 to EvaluationPeriods": not 1 <= points <= periods,
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(alarms_compare_something, alarm, message)


def alarms_measure_something(template: Template) -> Iterator[Finding]:
    """A metric that nobody publishes has no data, and an alarm on it no say."""
    for alarm in template.of(ALARM):
        if "PromQL" in str(alarm.properties):
            continue
        for metric in metrics_of(alarm):
            dimensions = as_list(metric.get("Dimensions"))
            statistic = metric.get("ExtendedStatistic") or metric.get("Statistic")
            wrong = {
                "a metric has no name": not metric.get("MetricName"),
                "a metric has no namespace": not metric.get("Namespace"),
                "a metric has no dimensions": not dimensions,
                "a dimension has no value": any(
                    not d.get("Name") or not d.get("Value") for d in dimensions
                ),
                "a metric has no period": number(metric.get("Period")) < 10,
                "a metric has no statistic": not statistic,
                f"{statistic} is no statistic": statistic not in STATISTICS
                and not STATISTIC.fullmatch(str(statistic)),
            }
            for message in (text for text, is_wrong in wrong.items() if is_wrong):
                yield report(alarms_measure_something, alarm, message)


def metrics_of(alarm: Resource) -> Iterator[dict[str, Any]]:
    """Yield the alarm's metrics in the form of an alarm on one metric."""
    if not alarm.get("Metrics"):
        yield dict(alarm.properties)
    for query in as_list(alarm.get("Metrics")):
        stat = query.get("MetricStat")
        if stat:
            yield {"Period": stat.get("Period"), "Statistic": stat.get("Stat")} | dict(
                stat.get("Metric") or {}
            )


def formulas_have_their_terms(template: Template) -> Iterator[Finding]:
    """A formula over a metric that is not there is refused, and only one line is compared."""
    for alarm in template.of(ALARM):
        queries = as_list(alarm.get("Metrics"))
        if not queries:
            continue
        names = {str(query.get("Id")) for query in queries}
        returned = [query for query in queries if query.get("ReturnData", True) is True]
        used = set()
        for query in queries:
            used |= set(re.findall(r"\b[a-z]\w*\b", str(query.get("Expression", ""))))
        measured = {str(query.get("Id")) for query in queries if query.get("MetricStat")}
        wrong = {
            "not one line is compared": len(returned) != 1,
            "the compared line is no formula": any("Expression" not in q for q in returned)
            and len(queries) > 1,
            "a formula names no metric": len(queries) > 1 and not used & names,
            "a metric is in no formula": len(queries) > 1 and bool(measured - used),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(formulas_have_their_terms, alarm, message)


def alarms_are_about_the_service(template: Template) -> Iterator[Finding]:
    """Dimensions of one service that differ are an alarm on something else, which is silent."""
    kinds = ("EndpointName", "VariantName")
    for kind in kinds:
        found: dict[str, list[Resource]] = {}
        for alarm in template.of(ALARM):
            for metric in metrics_of(alarm):
                for dimension in as_list(metric.get("Dimensions")):
                    if dimension.get("Name") == kind:
                        found.setdefault(str(dimension.get("Value")), []).append(alarm)
        if len(found) > 1:
            rarest = min(found, key=lambda value: len(found[value]))
            message = f"{kind} is {rarest} here and something else elsewhere"
            yield report(alarms_are_about_the_service, found[rarest][0], message)


def composites_say_when_it_is_over(template: Template) -> Iterator[Finding]:
    """Whoever is woken by a page must hear when it is over."""
    for alarm in template.of(COMPOSITE):
        if not as_list(alarm.get("OKActions")):
            yield report(composites_say_when_it_is_over, alarm, "no OKActions")


def event_rules_find_somebody(template: Template) -> Iterator[Finding]:
    """A rule that is off, or matches nothing, is an event nobody hears of."""
    for rule in template.of("AWS::Events::Rule"):
        pattern = rule.get("EventPattern")
        sources = as_list(dig(pattern, "source"))
        detail_types = as_list(dig(pattern, "detail-type"))
        wrong = {
            "it is switched off": rule.get("State", "ENABLED") != "ENABLED",
            "it has no target": not as_list(rule.get("Targets")),
            "its source is no service of AWS": not pattern or not sources
            if not rule.get("ScheduleExpression")
            else False,
            "its detail-type is empty": bool(pattern) and not detail_types,
        }
        wrong["its source is no service of AWS"] |= any(
            isinstance(s, str) and not s.startswith("aws.") for s in sources
        )
        wrong["its detail-type is no sentence"] = any(" " not in str(d) for d in detail_types)
        states = as_list(dig(pattern, "detail.eventName"))
        states += as_list(dig(pattern, "detail.EndpointStatus"))
        wrong["a state is none of AWS's"] = any(str(s) != str(s).upper() for s in states)
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(event_rules_find_somebody, rule, message)


def failed_deployments_are_announced(template: Template) -> Iterator[Finding]:
    """A deployment that failed, a task without a GPU, an instance AWS does not have: all silent."""
    patterns = str([rule.get("EventPattern") for rule in template.of("AWS::Events::Rule")])
    for service in template.of("AWS::ECS::Service"):
        for event in ECS_EVENTS:
            if event not in patterns:
                yield report(failed_deployments_are_announced, service, f"no rule for {event}")
    for endpoint in template.of("AWS::SageMaker::Endpoint"):
        for status in ("FAILED", "UPDATE_ROLLBACK_FAILED"):
            if f"'{status}'" not in patterns:
                message = f"no rule for the status {status}"
                yield report(failed_deployments_are_announced, endpoint, message)


RULES = (
    alarms_compare_something,
    alarms_measure_something,
    formulas_have_their_terms,
    alarms_are_about_the_service,
    composites_say_when_it_is_over,
    event_rules_find_somebody,
    failed_deployments_are_announced,
)
