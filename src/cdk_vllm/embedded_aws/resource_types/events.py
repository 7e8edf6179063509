"""EventBridge: rules and their targets."""

from __future__ import annotations

from typing import Any

from .resource import Resource


class Rule(Resource):
    """`AWS::Events::Rule`; `Ref` is its name."""

    type_name = "AWS::Events::Rule"
    name_property = "Name"
    fixed = frozenset({"EventBusName"})

    def create(self, properties: dict[str, Any]) -> str:
        """Put the rule and its targets."""
        self.call("events.put_rule", properties, without=("Targets",))
        if properties.get("Targets"):
            targets = {"Rule": properties["Name"], "Targets": properties["Targets"]}
            self.call("events.put_targets", {**targets, **_bus(properties)})
        return str(properties["Name"])

    def update(self, properties: dict[str, Any]) -> None:
        """Put both anew, less the targets that are gone."""
        kept = {target["Id"] for target in properties.get("Targets", [])}
        gone = [item["Id"] for item in self.properties.get("Targets", []) if item["Id"] not in kept]
        if gone:
            self._remove_targets(gone)
        self.create(properties)

    def _remove_targets(self, ids: list[str]) -> None:
        self.client("events").remove_targets(
            Rule=self.physical_id, Ids=ids, **_bus(self.properties)
        )

    def delete(self) -> None:
        """Delete the targets, then the rule."""
        targets = self.properties.get("Targets", [])
        if targets:
            self._remove_targets([target["Id"] for target in targets])
        self.client("events").delete_rule(Name=self.physical_id, **_bus(self.properties))

    def attribute(self, name: str) -> Any:
        """Return `Arn` or `RuleName`."""
        bus = self.properties.get("EventBusName", "default").rsplit("/", 1)[-1]
        path = self.physical_id if bus == "default" else f"{bus}/{self.physical_id}"
        arn = self.place.arn("events", f"rule/{path}")
        return {"Arn": arn, "RuleName": self.physical_id}.get(name)


def _bus(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: properties[name] for name in ("EventBusName",) if name in properties}


TYPES = (Rule,)
