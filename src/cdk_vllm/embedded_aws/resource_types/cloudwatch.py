"""CloudWatch: alarms and dashboards."""

from __future__ import annotations

from typing import Any

from .resource import Resource


class Alarm(Resource):
    """`AWS::CloudWatch::Alarm`; `Ref` is its name."""

    type_name = "AWS::CloudWatch::Alarm"
    name_property = "AlarmName"
    name_limit = 255
    operation = "cloudwatch.put_metric_alarm"

    def create(self, properties: dict[str, Any]) -> str:
        """Put the alarm; CloudWatch would put it over another one of its name."""
        name, kinds = str(properties["AlarmName"]), ["MetricAlarm", "CompositeAlarm"]
        found = self.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=kinds)
        if found["MetricAlarms"] or found["CompositeAlarms"]:
            raise ValueError(f"the alarm {name} already exists")
        self.call(self.operation, properties)
        return name

    def update(self, properties: dict[str, Any]) -> None:
        """Put it anew."""
        self.call(self.operation, properties)

    def delete(self) -> None:
        """Delete the alarm."""
        self.client("cloudwatch").delete_alarms(AlarmNames=[self.physical_id])

    def attribute(self, name: str) -> Any:
        """Return `Arn`."""
        return self.place.arn("cloudwatch", f"alarm:{self.physical_id}") if name == "Arn" else None


class CompositeAlarm(Alarm):
    """`AWS::CloudWatch::CompositeAlarm`; `Ref` is its name."""

    type_name = "AWS::CloudWatch::CompositeAlarm"
    operation = "cloudwatch.put_composite_alarm"


class Dashboard(Resource):
    """`AWS::CloudWatch::Dashboard`; `Ref` is its name."""

    type_name = "AWS::CloudWatch::Dashboard"
    name_property = "DashboardName"
    name_limit = 255

    def create(self, properties: dict[str, Any]) -> str:
        """Put the dashboard."""
        self.call("cloudwatch.put_dashboard", properties)
        return str(properties["DashboardName"])

    def update(self, properties: dict[str, Any]) -> None:
        """Put it anew."""
        self.create(properties)

    def delete(self) -> None:
        """Delete the dashboard."""
        self.client("cloudwatch").delete_dashboards(DashboardNames=[self.physical_id])


TYPES = (Alarm, CompositeAlarm, Dashboard)
