from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def resources(days: int | None) -> dict[str, Any]:
    retention = {} if days is None else {"RetentionInDays": days}
    return {
        "Key": {"Type": "AWS::KMS::Key"},
        "Group": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]}, **retention},
        },
        "Xid": {
            "Type": "AWS::Logs::MetricFilter",
            "Properties": {
                "LogGroupName": {"Ref": "Group"},
                "FilterPattern": "NVRM Xid",
                "MetricTransformations": [
                    {"MetricName": "Xid", "MetricNamespace": "gpu", "MetricValue": "1"}
                ],
            },
        },
        "Query": {
            "Type": "AWS::Logs::QueryDefinition",
            "Properties": {"Name": "slow", "QueryString": "fields @message"},
        },
    }


def test_log_groups_are_read_and_change(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    logs, ids = client("logs"), deployed(**resources(30))
    (group,) = logs.describe_log_groups()["logGroups"]
    assert (group["logGroupName"], group["retentionInDays"]) == (ids["Group"], 30)
    assert group["kmsKeyId"].endswith(ids["Key"])
    (found,) = logs.describe_metric_filters(logGroupName=ids["Group"])["metricFilters"]
    assert (found["filterName"], found["filterPattern"]) == (ids["Xid"], "NVRM Xid")
    (query,) = logs.describe_query_definitions()["queryDefinitions"]
    assert query["queryDefinitionId"] == ids["Query"]
    assert deployed(**resources(90)) == ids
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 90
    deployed(**resources(None))
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    destroyed()
    assert not logs.describe_log_groups()["logGroups"]
