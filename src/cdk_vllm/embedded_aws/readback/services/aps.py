"""Reads Amazon Managed Prometheus back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import tag_list, tail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _workspace(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    found = client("amp").describe_workspace(workspaceId=tail(physical_id))["workspace"]
    return {
        "Alias": found.get("alias"),
        "Arn": found["arn"],
        "PrometheusEndpoint": found["prometheusEndpoint"],
        "Tags": tag_list(found.get("tags")),
        "WorkspaceId": found["workspaceId"],
    }


def _rules(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    workspace, name = physical_id.rsplit("/", 2)[1:]
    amp = client("amp")
    found = amp.describe_rule_groups_namespace(workspaceId=workspace, name=name)
    namespace = found["ruleGroupsNamespace"]
    home = amp.describe_workspace(workspaceId=workspace)["workspace"]
    return {
        "Arn": namespace["arn"],
        "Data": namespace["data"].decode(),
        "Name": namespace["name"],
        "Tags": tag_list(namespace.get("tags")),
        "Workspace": home["arn"],
    }


READERS: Mapping[str, Reader] = {
    "AWS::APS::RuleGroupsNamespace": _rules,
    "AWS::APS::Workspace": _workspace,
}
