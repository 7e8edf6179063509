"""Reads EventBridge back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, optional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _rule(client: ClientFactory, physical_id: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    # A rule on a bus of its own is named bus|rule.
    bus, _, name = physical_id.rpartition("|")
    at = {"EventBusName": properties.get("EventBusName") or bus or "default"}
    events = client("events")
    rule = events.describe_rule(Name=name, **at)
    targets = events.list_targets_by_rule(Rule=name, **at)
    return {
        **listed(
            rule,
            "Arn",
            "Description",
            "EventBusName",
            "EventPattern",
            "Name",
            "RoleArn",
            "ScheduleExpression",
            "State",
        ),
        "Tags": optional(events.list_tags_for_resource, ResourceARN=rule["Arn"]).get("Tags"),
        "Targets": targets["Targets"],
    }


READERS: Mapping[str, Reader] = {"AWS::Events::Rule": _rule}
