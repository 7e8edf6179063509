"""The evaluator itself: what it says of points whose meaning is plain."""

from __future__ import annotations

from typing import Any

import pytest

from tests.recorded.cloudwatch import Cloud, math, minutes_in_alarm, published
from tests.recorded.series import values


def cloud(*points: float | None) -> Cloud:
    made = Cloud(len(points))
    for minute, value in enumerate(points):
        if value is not None:
            made.add("n", "m", minute, value)
    return made


def alarm(**changes: Any) -> dict[str, Any]:
    return {
        "Namespace": "n",
        "MetricName": "m",
        "Statistic": "Sum",
        "Period": 60,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 5,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "TreatMissingData": "notBreaching",
        **changes,
    }


def test_an_alarm_counts_the_points_of_its_window() -> None:
    assert minutes_in_alarm(alarm(), cloud(6, 0, 6, 0, 0, 5)) == [3]
    assert minutes_in_alarm(alarm(DatapointsToAlarm=3), cloud(6, 0, 6, 6, 6)) == [5]


def test_missing_points_are_treated_as_the_alarm_says() -> None:
    points = cloud(6, None, None, None)
    assert minutes_in_alarm(alarm(), points) == []
    assert minutes_in_alarm(alarm(TreatMissingData="breaching"), points) == [3, 4]


def test_an_equal_point_breaches_only_where_it_should() -> None:
    assert minutes_in_alarm(alarm(), cloud(5, 5, 5)) == []
    operator = "GreaterThanOrEqualToThreshold"
    assert minutes_in_alarm(alarm(ComparisonOperator=operator), cloud(5, 5, 5)) == [3]


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("Sum", 6),
        ("Average", 2),
        ("Maximum", 3),
        ("Minimum", 1),
        ("SampleCount", 3),
        ("p50", 2),
        ("p95", 3),
    ],
)
def test_a_period_holds_every_sample(statistic: str, expected: float) -> None:
    assert cloud(1, 2, 3).points("n", "m", statistic, 3) == [expected]


def test_math_is_missing_where_a_metric_is() -> None:
    metrics: dict[str, list[float | None]] = {"a": [1, None, 4], "b": [2, 2, None]}
    assert math("a + b", metrics) == [3, None, None]
    assert math("FILL(a, 0) + FILL(b, 1)", metrics) == [3, 2, 5]
    assert math("IF(a >= 2, a * 2, 0)", metrics) == [0, None, 8]
    assert math("IF(a > 0 AND b > 0, 1, 0)", metrics) == [1, None, None]
    assert math("a / (b - 2)", metrics) == [None, None, None]


def test_counters_are_published_as_what_they_grew_by() -> None:
    name = "vllm:generation_tokens_total"
    tokens = published("healthy").points("vLLM", name, "Sum", 1)
    scrapes = [value or 0 for value in values("healthy", name)]
    assert sum(value or 0 for value in tokens) == scrapes[4 * len(tokens) - 1]
    assert tokens[1] == scrapes[7] - scrapes[3]


def test_replicas_are_published_side_by_side() -> None:
    both = published("healthy", "stall")
    assert both.points("vLLM", "vllm:num_requests_running", "SampleCount", 1)[3] == 8
    assert max(p or 0 for p in both.points("vLLM", "requests_without_tokens", "Maximum", 1)) >= 1
