"""CloudWatch Logs: groups, filters and saved queries."""

from __future__ import annotations

from typing import Any

from .resource import Resource, pairs


class LogGroup(Resource):
    """`AWS::Logs::LogGroup`; `Ref` is its name."""

    type_name = "AWS::Logs::LogGroup"
    name_property = "LogGroupName"
    name_limit = 512

    _CREATED_WITH = ("LogGroupName", "KmsKeyId", "LogGroupClass", "Tags")

    def create(self, properties: dict[str, Any]) -> str:
        """Create the group and set its retention."""
        given = {name: properties[name] for name in self._CREATED_WITH if name in properties}
        self.call("logs.create_log_group", given)
        name = str(properties["LogGroupName"])
        if "RetentionInDays" in properties:
            self.client("logs").put_retention_policy(
                logGroupName=name, retentionInDays=int(properties["RetentionInDays"])
            )
        return name

    def update(self, properties: dict[str, Any]) -> None:
        """Change retention, key and tags."""
        client, group = self.client("logs"), {"logGroupName": self.physical_id}
        if "RetentionInDays" in properties:
            client.put_retention_policy(**group, retentionInDays=int(properties["RetentionInDays"]))
        elif "RetentionInDays" in self.properties:
            client.delete_retention_policy(**group)
        if self.changed(properties, "KmsKeyId"):
            if "KmsKeyId" in properties:
                client.associate_kms_key(**group, kmsKeyId=properties["KmsKeyId"])
            else:
                client.disassociate_kms_key(**group)
        if self.changed(properties, "Tags") and properties.get("Tags"):
            arn = self.attribute("Arn").removesuffix(":*")
            client.tag_resource(resourceArn=arn, tags=pairs(properties["Tags"]))

    def delete(self) -> None:
        """Delete the group."""
        self.client("logs").delete_log_group(logGroupName=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `Arn`, which ends in `:*`."""
        arn = self.place.arn("logs", f"log-group:{self.physical_id}:*")
        return arn if name == "Arn" else super().attribute(name)


class MetricFilter(Resource):
    """`AWS::Logs::MetricFilter`; `Ref` is its name."""

    type_name = "AWS::Logs::MetricFilter"
    name_property = "FilterName"
    name_limit = 512
    fixed = frozenset({"LogGroupName"})

    def create(self, properties: dict[str, Any]) -> str:
        """Put the filter."""
        self.call("logs.put_metric_filter", properties)
        return str(properties["FilterName"])

    def update(self, properties: dict[str, Any]) -> None:
        """Put it anew."""
        self.create(properties)

    def delete(self) -> None:
        """Delete the filter."""
        self.client("logs").delete_metric_filter(
            logGroupName=self.properties["LogGroupName"], filterName=self.physical_id
        )


class SubscriptionFilter(Resource):
    """`AWS::Logs::SubscriptionFilter`; `Ref` is its name."""

    type_name = "AWS::Logs::SubscriptionFilter"
    name_property = "FilterName"
    name_limit = 512
    fixed = frozenset({"LogGroupName"})

    def create(self, properties: dict[str, Any]) -> str:
        """Put the filter."""
        self.call("logs.put_subscription_filter", properties)
        return str(properties["FilterName"])

    def update(self, properties: dict[str, Any]) -> None:
        """Put it anew."""
        self.create(properties)

    def delete(self) -> None:
        """Delete the filter."""
        self.client("logs").delete_subscription_filter(
            logGroupName=self.properties["LogGroupName"], filterName=self.physical_id
        )


class QueryDefinition(Resource):
    """`AWS::Logs::QueryDefinition`; `Ref` is its id."""

    type_name = "AWS::Logs::QueryDefinition"

    def create(self, properties: dict[str, Any]) -> str:
        """Save the query."""
        return str(self.call("logs.put_query_definition", properties)["queryDefinitionId"])

    def update(self, properties: dict[str, Any]) -> None:
        """Save it anew under its id."""
        query = {**properties, "queryDefinitionId": self.physical_id}
        self.call("logs.put_query_definition", query)

    def delete(self) -> None:
        """Delete the query."""
        self.client("logs").delete_query_definition(queryDefinitionId=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `QueryDefinitionId`."""
        return self.physical_id if name == "QueryDefinitionId" else None


TYPES = (LogGroup, MetricFilter, QueryDefinition, SubscriptionFilter)
