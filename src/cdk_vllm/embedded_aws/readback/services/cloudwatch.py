"""Reads CloudWatch back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, only, optional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader

_ACTIONS = (
    "ActionsEnabled",
    "AlarmActions",
    "AlarmDescription",
    "AlarmName",
    "InsufficientDataActions",
    "OKActions",
)


def _tags(client: ClientFactory, arn: str) -> Any:
    return optional(client("cloudwatch").list_tags_for_resource, ResourceARN=arn).get("Tags")


def _alarm(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    answer = client("cloudwatch").describe_alarms(
        AlarmNames=[physical_id], AlarmTypes=["MetricAlarm"]
    )
    alarm = only(answer["MetricAlarms"])
    return {
        **listed(
            alarm,
            *_ACTIONS,
            "ComparisonOperator",
            "DatapointsToAlarm",
            "Dimensions",
            "EvaluateLowSampleCountPercentile",
            "EvaluationCriteria",
            "EvaluationInterval",
            "EvaluationPeriods",
            "ExtendedStatistic",
            "MetricName",
            "Metrics",
            "Namespace",
            "Period",
            "Statistic",
            "Threshold",
            "ThresholdMetricId",
            "TreatMissingData",
            "Unit",
        ),
        "Arn": alarm["AlarmArn"],
        "Tags": _tags(client, alarm["AlarmArn"]),
    }


def _composite_alarm(
    client: ClientFactory, physical_id: str, _: Mapping[str, Any]
) -> dict[str, Any]:
    answer = client("cloudwatch").describe_alarms(
        AlarmNames=[physical_id], AlarmTypes=["CompositeAlarm"]
    )
    alarm = only(answer["CompositeAlarms"])
    return {
        **listed(
            alarm,
            *_ACTIONS,
            "ActionsSuppressor",
            "ActionsSuppressorExtensionPeriod",
            "ActionsSuppressorWaitPeriod",
            "AlarmRule",
        ),
        "Arn": alarm["AlarmArn"],
        "Tags": _tags(client, alarm["AlarmArn"]),
    }


def _dashboard(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    answer = client("cloudwatch").get_dashboard(DashboardName=physical_id)
    return listed(answer, "DashboardBody", "DashboardName")


READERS: Mapping[str, Reader] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::CompositeAlarm": _composite_alarm,
    "AWS::CloudWatch::Dashboard": _dashboard,
}
