"""What CloudWatch would make of the recordings: published points, metric math, alarm states.

A small model of three documented things: how the collector publishes (gauges as they are, counters
as what they grew by, with every scrape of each replica), how metric math treats points that are
missing, and how an alarm counts the points of its last periods.
"""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any

from tests.recorded.series import SCRAPE_SECONDS, recorded, values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MINUTE = 60 // SCRAPE_SECONDS
STALLED = "requests_without_tokens"
Points = list[float | None]

_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Sum": sum,
    "Average": lambda samples: sum(samples) / len(samples),
    "Maximum": max,
    "Minimum": min,
    "SampleCount": len,
}


@dataclass
class Cloud:
    """The samples of each minute by namespace and metric; a list for each minute."""

    minutes: int
    samples: dict[tuple[str, str], list[list[float]]] = field(default_factory=dict)

    def add(self, namespace: str, name: str, minute: int, value: float) -> None:
        """Add one replica's, or the load balancer's, sample."""
        if (namespace, name) not in self.samples:
            self.samples[namespace, name] = [[] for _ in range(self.minutes)]
        self.samples[namespace, name][minute].append(value)

    def points(self, namespace: str, name: str, statistic: str, period_minutes: int) -> Points:
        """Return a statistic for each whole period; None where nothing was published."""
        series = self.samples.get((namespace, name), [[]] * self.minutes)
        points: Points = []
        for start in range(0, self.minutes - period_minutes + 1, period_minutes):
            found = [s for minute in series[start : start + period_minutes] for s in minute]
            points.append(_statistic(statistic, found) if found else None)
        return points


def _statistic(name: str, samples: Sequence[float]) -> float:
    """Return a statistic; of percentiles, such as `p95`, the nearest rank."""
    if name in _STATISTICS:
        return _STATISTICS[name](samples)
    rank = ceil(float(name.removeprefix("p")) / 100 * len(samples))
    return sorted(samples)[max(0, rank - 1)]


def published(*scenarios: str) -> Cloud:
    """Return what a service publishes whose replicas live through these scenarios at once."""
    minutes = max(len(recorded(s)[0].values) for s in scenarios) // MINUTE
    cloud = Cloud(minutes)
    for scenario in scenarios:
        _publish_engine(cloud, scenario)
        _publish_balancer(cloud, scenario)
    return cloud


def _publish_engine(cloud: Cloud, scenario: str) -> None:
    for name in {s.name for s in recorded(scenario) if s.name.startswith("vllm:")}:
        scrapes = values(scenario, name)
        points = _grown(scrapes) if name.endswith("_total") else scrapes
        for place, value in enumerate(points[: cloud.minutes * MINUTE]):
            if value is not None:
                cloud.add("vLLM", name, place // MINUTE, value)
    running = values(scenario, "vllm:num_requests_running")[::MINUTE]
    tokens = _grown(values(scenario, "vllm:generation_tokens_total")[::MINUTE])
    for minute, (requests, made) in enumerate(zip(running, tokens, strict=True)):
        if requests is not None and made is not None and minute < cloud.minutes:
            cloud.add("vLLM", STALLED, minute, requests - made)


def _publish_balancer(cloud: Cloud, scenario: str) -> None:
    """The load balancer sees what the clients saw; it reports no zeros."""
    for code, name in (
        (None, "RequestCount"),
        ("500", "HTTPCode_Target_5XX_Count"),
        ("503", "HTTPCode_Target_5XX_Count"),
        ("refused", "HTTPCode_ELB_5XX_Count"),
    ):
        if code and not any(s.labels.get("code") == code for s in recorded(scenario)):
            continue
        seen = values(scenario, "client_requests_total", **({"code": code} if code else {}))
        for minute, value in enumerate(_grown(seen[::MINUTE], first=0.0)[: cloud.minutes]):
            if value:
                cloud.add("AWS/ApplicationELB", name, minute, value)


def _grown(scrapes: Points, first: float | None = None) -> Points:
    """Return what a counter grew by since the scrape before; the first has nothing before it."""
    before, result = first, list[float | None]()
    for value in scrapes:
        known = value is not None and before is not None
        result.append(value - before if known else None)  # type: ignore[operator]
        before = value if value is not None else before
    return result


_BINARY: dict[type[ast.operator], Callable[[float, float], float | None]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: left / right if right else None,
}
_COMPARE: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
}


def math(expression: str, metrics: Mapping[str, Points]) -> Points:
    """Return an expression's value for each period; one missing metric makes it missing.

    `FILL(metric, value)` alone fills gaps, and `IF` does not look at the branch it does not take.
    """
    tree = ast.parse(expression.replace(" AND ", " and "), mode="eval").body
    length = len(next(iter(metrics.values())))
    return [_value(tree, {n: p[i] for n, p in metrics.items()}) for i in range(length)]


def _value(node: ast.expr, known: Mapping[str, float | None]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return known[node.id]
    if isinstance(node, ast.Call):
        return _call(node, known)
    if isinstance(node, ast.BoolOp):
        parts = [_value(part, known) for part in node.values]
        return None if None in parts else float(all(parts))
    if isinstance(node, ast.Compare):
        left, right = _value(node.left, known), _value(node.comparators[0], known)
        compare = _COMPARE[type(node.ops[0])]
        return None if None in (left, right) else float(compare(left, right))
    assert isinstance(node, ast.BinOp), ast.dump(node)
    left, right = _value(node.left, known), _value(node.right, known)
    return None if None in (left, right) else _BINARY[type(node.op)](left, right)


def _call(node: ast.Call, known: Mapping[str, float | None]) -> Any:
    assert isinstance(node.func, ast.Name)
    if node.func.id == "FILL":
        value = _value(node.args[0], known)
        return _value(node.args[1], known) if value is None else value
    assert node.func.id == "IF", node.func.id
    condition = _value(node.args[0], known)
    if condition is None:
        return None
    return _value(node.args[1 if condition else 2], known)


_BREACHES = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def minutes_in_alarm(alarm: Mapping[str, Any], cloud: Cloud) -> list[int]:
    """Return the minutes after which an alarm, as in a template, is in ALARM."""
    period, points = _alarm_points(alarm, cloud)
    needed, window = int(alarm["DatapointsToAlarm"]), int(alarm["EvaluationPeriods"])
    breaches = _BREACHES[alarm["ComparisonOperator"]]
    missing = alarm["TreatMissingData"] == "breaching"
    breaching = [
        missing if point is None else bool(breaches(point, alarm["Threshold"])) for point in points
    ]
    return [
        (end + 1) * period
        for end in range(len(points))
        if end + 1 >= window and sum(breaching[end + 1 - window : end + 1]) >= needed
    ]


def _alarm_points(alarm: Mapping[str, Any], cloud: Cloud) -> tuple[int, Points]:
    if "MetricName" in alarm:
        period = int(alarm["Period"]) // 60
        return period, cloud.points(
            alarm["Namespace"],
            alarm["MetricName"],
            alarm.get("Statistic") or alarm["ExtendedStatistic"],
            period,
        )
    metrics, expression, period = {}, "", 1
    for query in alarm["Metrics"]:
        if "Expression" in query:
            expression = query["Expression"]
        else:
            stat = query["MetricStat"]
            period = int(stat["Period"]) // 60
            metrics[query["Id"]] = cloud.points(
                stat["Metric"]["Namespace"], stat["Metric"]["MetricName"], stat["Stat"], period
            )
    return period, math(expression, metrics)
