"""Systems Manager: parameters."""

from __future__ import annotations

from typing import Any

from .resource import Resource, pairs


class Parameter(Resource):
    """`AWS::SSM::Parameter`; `Ref` is its name, which moto's model cannot do without."""

    type_name = "AWS::SSM::Parameter"
    name_property = "Name"
    name_limit = 1011

    def create(self, properties: dict[str, Any]) -> str:
        """Put the parameter."""
        tags = [{"Key": k, "Value": v} for k, v in pairs(properties.get("Tags")).items()]
        self.call("ssm.put_parameter", {**properties, "Tags": tags})
        return str(properties["Name"])

    def update(self, properties: dict[str, Any]) -> None:
        """Put a new version."""
        self.call("ssm.put_parameter", {**properties, "Overwrite": True}, without=("Tags",))

    def delete(self) -> None:
        """Delete the parameter."""
        self.client("ssm").delete_parameter(Name=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `Value`, `Type` or `Arn`."""
        arn = self.place.arn("ssm", f"parameter/{self.physical_id.removeprefix('/')}")
        return {
            "Arn": arn,
            "Type": self.properties.get("Type"),
            "Value": self.properties.get("Value"),
        }.get(name)


TYPES = (Parameter,)
