"""CloudTrail: trails and what they select."""

from __future__ import annotations

from typing import Any

from .resource import Resource

_SELECTORS = ("AdvancedEventSelectors", "EventSelectors")
_APART = (*_SELECTORS, "IsLogging", "Tags", "TrailName", "InsightSelectors")


class Trail(Resource):
    """`AWS::CloudTrail::Trail`; `Ref` is its name."""

    type_name = "AWS::CloudTrail::Trail"
    name_property = "TrailName"
    name_limit = 128

    def create(self, properties: dict[str, Any]) -> str:
        """Create the trail, say what it selects, and start it."""
        name = str(properties["TrailName"])
        tags = {"TagsList": properties["Tags"]} if properties.get("Tags") else {}
        self.call("cloudtrail.create_trail", {"Name": name, **self._settings(properties), **tags})
        self._select(name, properties)
        return name

    def update(self, properties: dict[str, Any]) -> None:
        """Change the trail, and say anew what it selects."""
        self.call(
            "cloudtrail.update_trail", {"Name": self.physical_id, **self._settings(properties)}
        )
        self._select(self.physical_id, properties)

    def delete(self) -> None:
        """Delete the trail; its files stay."""
        self.client("cloudtrail").delete_trail(Name=self.physical_id)

    def _settings(self, properties: dict[str, Any]) -> dict[str, Any]:
        renamed = {
            "KMSKeyId": "KmsKeyId",
            "IncludeGlobalServiceEvents": "IncludeGlobalServiceEvents",
        }
        return {
            renamed.get(name, name): value
            for name, value in properties.items()
            if name not in _APART
        }

    def _select(self, name: str, properties: dict[str, Any]) -> None:
        selected = {key: properties[key] for key in _SELECTORS if key in properties}
        if selected:
            self.call("cloudtrail.put_event_selectors", {"TrailName": name, **selected})
        client = self.client("cloudtrail")
        logs = str(properties.get("IsLogging", "")).lower() == "true"
        (client.start_logging if logs else client.stop_logging)(Name=name)

    def attribute(self, name: str) -> Any:
        """Return `Arn`."""
        arn = self.place.arn("cloudtrail", f"trail/{self.physical_id}")
        return arn if name == "Arn" else None


TYPES = (Trail,)
