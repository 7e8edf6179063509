"""Whether an alarm can fire at all: it measures something, and an event finds its listener."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.measuring import (
    ALARM,
    measuring,
    metric_alarms,
    metrics_of,
    queries_of,
)
from cdk_vllm.checks.template import Finding, Resource, Template, as_list, dig, number, report

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
STATISTIC = re.compile(r"(p|tm|tc|ts|wm)\d{1,3}(\.\d+)?|IQM|PR\(.*\)")
DEPLOYMENT_FAILED = "SERVICE_DEPLOYMENT_FAILED"
PLACEMENT_FAILED = "SERVICE_TASK_PLACEMENT_FAILURE"
LAUNCH_FAILED = "EC2 Instance Launch Unsuccessful"
ECS_EVENTS = (DEPLOYMENT_FAILED, PLACEMENT_FAILED, "SERVICE_TASK_START_IMPAIRED", LAUNCH_FAILED)
STATISTICS = ("Average", "Maximum", "Minimum", "SampleCount", "Sum")


def alarms_compare_something(template: Template) -> Iterator[Finding]:
    """An alarm without a bound or a span of time stays quiet, or is refused when it is deployed."""
    for alarm in metric_alarms(template):
        periods = number(alarm.get("EvaluationPeriods"))
        points = number(alarm.get("DatapointsToAlarm", periods))
        wrong = {
            "no ComparisonOperator": not alarm.get("ComparisonOperator"),
            "no Threshold": number(alarm.get("Threshold")) == float("-inf")
            and not alarm.get("ThresholdMetricId"),
            "EvaluationPeriods is not set": periods < 1,
            "it does not say how many values it takes": periods > 1
            and alarm.get("DatapointsToAlarm") is None,
            "DatapointsToAlarm is not 1 to EvaluationPeriods": not 1 <= points <= periods,
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(alarms_compare_something, alarm, message)


def thresholds_can_be_crossed(template: Template) -> Iterator[Finding]:
    """Nothing counted is below 0, and all of it is at least 0: never, or always.

    Above 0 is a bound for a sum of what should not happen at all.
    """
    for alarm in metric_alarms(template):
        operator, threshold = alarm.get("ComparisonOperator"), number(alarm.get("Threshold"))
        counts = alarm.get("Statistic") == "Sum"
        if threshold <= 0 and not (operator == "GreaterThanThreshold" and counts):
            message = f"{operator} {threshold:g} is always so, or never"
            yield report(thresholds_can_be_crossed, alarm, message)


def alarms_measure_something(template: Template) -> Iterator[Finding]:
    """A metric that nobody publishes has no data, and an alarm on it no say."""
    for resource in measuring(template):
        for metric in metrics_of(resource):
            for message in _metric_faults(metric, has_period=resource.type == ALARM):
                yield report(alarms_measure_something, resource, message)


def _metric_faults(metric: dict[str, Any], *, has_period: bool) -> Iterator[str]:
    dimensions = as_list(metric.get("Dimensions"))
    statistic = metric.get("ExtendedStatistic") or metric.get("Statistic")
    wrong = {
        "a metric has no name": not metric.get("MetricName"),
        "a metric has no namespace": not metric.get("Namespace"),
        "a dimension has no value": any(
            not d.get("Name") or not d.get("Value") for d in dimensions
        ),
        "a metric has no period": has_period and number(metric.get("Period")) < 10,
        "a metric has no statistic": not statistic,
        f"{statistic} is no statistic": statistic not in STATISTICS
        and not STATISTIC.fullmatch(str(statistic)),
    }
    yield from (text for text, is_wrong in wrong.items() if is_wrong)


def metrics_are_somebody_s(template: Template) -> Iterator[Finding]:
    """Without a dimension a metric of AWS's is the sum over the account, or nothing at all."""
    filtered = str([f.properties for f in template.of("AWS::Logs::MetricFilter")])
    for resource in measuring(template):
        for metric in metrics_of(resource):
            # What a log filter counts has no dimension but its name.
            is_counted = f"'{metric.get('MetricName')}'" in filtered
            if not as_list(metric.get("Dimensions")) and not is_counted:
                yield report(metrics_are_somebody_s, resource, "a metric has no dimensions")


def formulas_have_their_terms(template: Template) -> Iterator[Finding]:
    """A formula over a metric that is not there is refused, and only one line is compared."""
    for alarm in measuring(template):
        queries = queries_of(alarm)
        if not queries:
            continue
        names = {str(query.get("Id")) for query in queries}
        returned = [query for query in queries if query.get("ReturnData", True) is True]
        used = set()
        for query in queries:
            used |= set(re.findall(r"\b[a-z]\w*\b", str(query.get("Expression", ""))))
        inner = {str(query.get("Id")) for query in queries if query not in returned}
        wrong = {
            "not one line is compared": len(returned) != 1,
            "the compared line is no formula": any("Expression" not in q for q in returned)
            and len(queries) > 1,
            "a line has no name": any(not query.get("Id") for query in queries),
            "a formula names no metric": len(queries) > 1 and not used & names,
            "a metric is in no formula": len(queries) > 1 and bool(inner - used),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(formulas_have_their_terms, alarm, message)


def alarms_are_about_the_service(template: Template) -> Iterator[Finding]:
    """Dimensions of one service that differ are an alarm on something else, which is silent."""
    kinds = ("EndpointName", "VariantName", "service")
    for kind in kinds:
        found: dict[str, list[Resource]] = {}
        for alarm in measuring(template):
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
        lists = [sources, detail_types, *_lists(dig(pattern, "detail")), dig(pattern, "resources")]
        wrong["it matches nothing"] = any(found == [] for found in lists)
        wrong["a state is none of AWS's"] = any(str(s) != str(s).upper() for s in states)
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(event_rules_find_somebody, rule, message)


def _lists(detail: Any) -> list[Any]:
    return list(detail.values()) if isinstance(detail, dict) else []


def failed_deployments_are_announced(template: Template) -> Iterator[Finding]:
    """A deployment that failed, a task without a GPU, an instance AWS does not have: all silent."""
    patterns = str([rule.get("EventPattern") for rule in template.of("AWS::Events::Rule")])
    for service in template.of("AWS::ECS::Service"):
        for event in ECS_EVENTS:
            if event not in patterns:
                yield report(failed_deployments_are_announced, service, f"no rule for {event}")
    for endpoint in template.of("AWS::SageMaker::Endpoint"):
        name = endpoint.get("EndpointName")
        if isinstance(name, str) and f"'{name}'" not in patterns:
            message = f"no rule for the endpoint {name}"
            yield report(failed_deployments_are_announced, endpoint, message)
        for status in ("FAILED", "UPDATE_ROLLBACK_FAILED"):
            if f"'{status}'" not in patterns:
                message = f"no rule for the status {status}"
                yield report(failed_deployments_are_announced, endpoint, message)


RULES = (
    alarms_compare_something,
    thresholds_can_be_crossed,
    alarms_measure_something,
    metrics_are_somebody_s,
    formulas_have_their_terms,
    alarms_are_about_the_service,
    composites_say_when_it_is_over,
    event_rules_find_somebody,
    failed_deployments_are_announced,
)
