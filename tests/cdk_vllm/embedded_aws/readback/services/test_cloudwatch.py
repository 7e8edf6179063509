from __future__ import annotations

import json
from typing import Any

import pytest

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"


def stat(name: str) -> dict[str, Any]:
    metric = {"Namespace": "vllm", "MetricName": name}
    return {"Metric": metric, "Period": 60, "Stat": "Sum"}


ONE_METRIC = {
    "AlarmActions": [TOPIC],
    "ComparisonOperator": "GreaterThanThreshold",
    "DatapointsToAlarm": 3,
    "Dimensions": [{"Name": "LoadBalancer", "Value": "app/chat/0"}],
    "EvaluationPeriods": 5,
    "ExtendedStatistic": "p99",
    "MetricName": "TargetResponseTime",
    "Namespace": "AWS/ApplicationELB",
    "Period": 60,
    "Threshold": 20,
    "TreatMissingData": "notBreaching",
}
MATH = {
    "AlarmDescription": "Too many errors",
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
    "Metrics": [
        {"Id": "rate", "Expression": "errors / requests", "ReturnData": True},
        {"Id": "errors", "MetricStat": stat("Errors"), "ReturnData": False},
        {"Id": "requests", "MetricStat": stat("Requests"), "ReturnData": False},
    ],
    "Threshold": 0.05,
}

PROMQL = {
    "AlarmDescription": "The first token takes too long",
    "EvaluationCriteria": {
        "PromQLCriteria": {"Query": "histogram_quantile(0.95, x) > 2", "PendingPeriod": 300}
    },
    "EvaluationInterval": 60,
}


def test_promql_alarm(client: Client, wrong: Wrong) -> None:
    client("cloudwatch").put_metric_alarm(AlarmName="p", **PROMQL)
    assert wrong("CloudWatch::Alarm", "p", PROMQL) == []
    assert wrong("CloudWatch::Alarm", "p", {**PROMQL, "EvaluationInterval": 10})


@pytest.mark.parametrize("written", [ONE_METRIC, MATH])
def test_alarm(client: Client, wrong: Wrong, written: dict[str, Any]) -> None:
    client("cloudwatch").put_metric_alarm(AlarmName="a", **written)
    assert wrong("CloudWatch::Alarm", "a", written) == []
    client("cloudwatch").put_metric_alarm(AlarmName="a", **{**written, "Threshold": 1})
    (difference,) = wrong("CloudWatch::Alarm", "a", written)
    assert difference == f"Threshold should be {written['Threshold']} but is 1.0"
    assert not exists(client, "AWS::CloudWatch::Alarm", "b")


def test_dashboard(client: Client, wrong: Wrong) -> None:
    widget = {"type": "text", "properties": {"markdown": "# vLLM"}}
    body = json.dumps({"widgets": [widget]})
    client("cloudwatch").put_dashboard(DashboardName="d", DashboardBody=body)
    written = {"DashboardBody": json.dumps(json.loads(body), indent=2), "DashboardName": "d"}
    assert wrong("CloudWatch::Dashboard", "d", written) == []
    more = {"DashboardBody": json.dumps({"widgets": [widget, widget]})}
    assert wrong("CloudWatch::Dashboard", "d", more)
    assert not exists(client, "AWS::CloudWatch::Dashboard", "e")
