from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]


def resources(threshold: float, title: str = "one") -> dict[str, Any]:
    return {
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "Namespace": "vllm",
                "MetricName": "Waiting",
                "Dimensions": [{"Name": "service", "Value": "chat"}],
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 3,
                "DatapointsToAlarm": 2,
                "Period": 60,
                "ExtendedStatistic": "p95",
                "Threshold": threshold,
                "TreatMissingData": "notBreaching",
                "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:t"],
            },
        },
        "Maths": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "ComparisonOperator": "LessThanThreshold",
                "EvaluationPeriods": 1,
                "Threshold": 1,
                "Metrics": [
                    {"Id": "e", "Expression": "IF(r > 0, t, 1)", "Label": "stall"},
                    {
                        "Id": "r",
                        "ReturnData": False,
                        "MetricStat": {
                            "Metric": {"Namespace": "vllm", "MetricName": "Running"},
                            "Period": 60,
                            "Stat": "Average",
                        },
                    },
                ],
            },
        },
        "Both": {
            "Type": "AWS::CloudWatch::CompositeAlarm",
            "Properties": {
                "AlarmRule": {"Fn::Sub": 'ALARM("${Alarm}") AND ALARM("${Maths.Arn}")'},
                "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:t"],
                "ActionsSuppressor": {"Fn::GetAtt": ["Maths", "Arn"]},
                "ActionsSuppressorWaitPeriod": 60,
            },
        },
        "Board": {
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": {"DashboardBody": json.dumps({"widgets": [], "title": title})},
        },
    }


def test_alarms_and_dashboards_are_read_and_change(
    client: Client, deployed: Deployed, destroyed: Callable[[], None]
) -> None:
    cloudwatch = client("cloudwatch")
    ids = deployed(**resources(20))
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[ids["Alarm"]])["MetricAlarms"]
    assert (alarm["Threshold"], alarm["ExtendedStatistic"]) == (20, "p95")
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "chat"}]
    assert (alarm["DatapointsToAlarm"], alarm["TreatMissingData"]) == (2, "notBreaching")
    (maths,) = cloudwatch.describe_alarms(AlarmNames=[ids["Maths"]])["MetricAlarms"]
    assert maths["Metrics"][0]["Expression"] == "IF(r > 0, t, 1)"
    assert maths["Metrics"][1]["ReturnData"] is False
    (both,) = cloudwatch.describe_alarms(AlarmNames=[ids["Both"]], AlarmTypes=["CompositeAlarm"])[
        "CompositeAlarms"
    ]
    assert both["AlarmRule"] == f'ALARM("{ids["Alarm"]}") AND ALARM("{maths["AlarmArn"]}")'
    assert both["ActionsSuppressor"] == maths["AlarmArn"]
    assert both["ActionsSuppressorWaitPeriod"] == 60

    assert deployed(**resources(33, "two")) == ids
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[ids["Alarm"]])["MetricAlarms"]
    assert alarm["Threshold"] == 33
    body = cloudwatch.get_dashboard(DashboardName=ids["Board"])["DashboardBody"]
    assert json.loads(body)["title"] == "two"

    destroyed()
    left = cloudwatch.describe_alarms()
    assert not left["MetricAlarms"]
    assert not left["CompositeAlarms"]
    assert not cloudwatch.list_dashboards()["DashboardEntries"]


def test_two_alarms_of_one_name_are_refused(create: Callable[..., dict[str, Any]]) -> None:
    both = {"AlarmRule": "TRUE", "AlarmName": "unavailable"}
    kind = "AWS::CloudWatch::CompositeAlarm"
    stack = create({"Resources": {n: {"Type": kind, "Properties": both} for n in ("One", "Two")}})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
