"""Amazon Managed Prometheus: workspaces and their rules."""

from __future__ import annotations

from typing import Any

from .resource import Resource, pairs


class Workspace(Resource):
    """`AWS::APS::Workspace`; `Ref` is its ARN. Its alert manager is not kept: moto has none."""

    type_name = "AWS::APS::Workspace"

    def create(self, properties: dict[str, Any]) -> str:
        """Create the workspace."""
        answer = self.client("amp").create_workspace(
            alias=properties.get("Alias", ""), tags=pairs(properties.get("Tags"))
        )
        return str(answer["arn"])

    def update(self, properties: dict[str, Any]) -> None:
        """Change its alias."""
        if self.changed(properties, "Alias"):
            self.client("amp").update_workspace_alias(
                workspaceId=self._id, alias=properties.get("Alias", "")
            )

    def delete(self) -> None:
        """Delete the workspace and its series."""
        self.client("amp").delete_workspace(workspaceId=self._id)

    def attribute(self, name: str) -> Any:
        """Return `Arn`, `WorkspaceId` or `PrometheusEndpoint`, which ends in a slash."""
        described = self.client("amp").describe_workspace(workspaceId=self._id)["workspace"]
        return {
            "Arn": self.physical_id,
            "WorkspaceId": self._id,
            "PrometheusEndpoint": described["prometheusEndpoint"],
        }.get(name)

    @property
    def _id(self) -> str:
        return self.physical_id.rsplit("/", 1)[-1]


class RuleGroupsNamespace(Resource):
    """`AWS::APS::RuleGroupsNamespace`; `Ref` is its ARN."""

    type_name = "AWS::APS::RuleGroupsNamespace"
    fixed = frozenset({"Name", "Workspace"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the namespace with its rules."""
        answer = self.client("amp").create_rule_groups_namespace(
            workspaceId=properties["Workspace"].rsplit("/", 1)[-1],
            name=properties["Name"],
            data=properties["Data"].encode(),
            tags=pairs(properties.get("Tags")),
        )
        return str(answer["arn"])

    def update(self, properties: dict[str, Any]) -> None:
        """Put the rules anew."""
        self.client("amp").put_rule_groups_namespace(
            **self._place(), data=properties["Data"].encode()
        )

    def delete(self) -> None:
        """Delete the namespace."""
        self.client("amp").delete_rule_groups_namespace(**self._place())

    def attribute(self, name: str) -> Any:
        """Return `Arn`."""
        return self.physical_id if name == "Arn" else None

    def _place(self) -> dict[str, str]:
        workspace, name = self.physical_id.rsplit("/", 2)[1:]
        return {"workspaceId": workspace, "name": name}


TYPES = (RuleGroupsNamespace, Workspace)
