"""Reads CloudWatch Logs back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, only, optional, tag_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _log_group(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    logs = client("logs")
    answer = logs.describe_log_groups(logGroupNamePrefix=physical_id)
    group = only(g for g in answer["logGroups"] if g["logGroupName"] == physical_id)
    tags = optional(logs.list_tags_log_group, logGroupName=physical_id).get("tags")
    return {
        **listed(group, "Arn", "KmsKeyId", "LogGroupName", "RetentionInDays"),
        "LogGroupClass": group.get("logGroupClass", "STANDARD"),
        "Tags": tag_list(tags),
    }


def _metric_filter(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    group = {"logGroupName": properties["LogGroupName"]} if "LogGroupName" in properties else {}
    answer = client("logs").describe_metric_filters(filterNamePrefix=physical_id, **group)
    return listed(
        only(f for f in answer["metricFilters"] if f["filterName"] == physical_id),
        "FilterName",
        "FilterPattern",
        "LogGroupName",
        "MetricTransformations",
    )


def _subscription_filter(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    answer = client("logs").describe_subscription_filters(
        logGroupName=properties["LogGroupName"], filterNamePrefix=physical_id
    )
    return listed(
        only(f for f in answer["subscriptionFilters"] if f["filterName"] == physical_id),
        "DestinationArn",
        "Distribution",
        "FilterName",
        "FilterPattern",
        "LogGroupName",
        "RoleArn",
    )


def _query_definition(
    client: ClientFactory, physical_id: str, _: Mapping[str, Any]
) -> dict[str, Any]:
    answer = client("logs").describe_query_definitions()
    found = only(q for q in answer["queryDefinitions"] if q["queryDefinitionId"] == physical_id)
    return listed(found, "LogGroupNames", "Name", "QueryDefinitionId", "QueryString")


def _resource_policy(
    client: ClientFactory, physical_id: str, _: Mapping[str, Any]
) -> dict[str, Any]:
    policies = client("logs").describe_resource_policies()["resourcePolicies"]
    found = only(policy for policy in policies if policy["policyName"] == physical_id)
    return listed(found, "PolicyDocument", "PolicyName")


READERS: Mapping[str, Reader] = {
    "AWS::Logs::LogGroup": _log_group,
    "AWS::Logs::MetricFilter": _metric_filter,
    "AWS::Logs::QueryDefinition": _query_definition,
    "AWS::Logs::ResourcePolicy": _resource_policy,
    "AWS::Logs::SubscriptionFilter": _subscription_filter,
}
