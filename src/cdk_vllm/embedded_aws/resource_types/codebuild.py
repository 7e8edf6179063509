"""CodeBuild: projects."""

from __future__ import annotations

from typing import Any

from .resource import Resource


class Project(Resource):
    """`AWS::CodeBuild::Project`; `Ref` is its name."""

    type_name = "AWS::CodeBuild::Project"
    name_property = "Name"
    name_limit = 150

    _APART = ("ResourceAccessRole", "Triggers", "Visibility")

    def create(self, properties: dict[str, Any]) -> str:
        """Create the project."""
        self.call("codebuild.create_project", properties, without=self._APART)
        return str(properties["Name"])

    def update(self, properties: dict[str, Any]) -> None:
        """Change the project in place."""
        self.call("codebuild.update_project", properties, without=self._APART)

    def delete(self) -> None:
        """Delete the project."""
        self.client("codebuild").delete_project(name=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `Arn`, or `Id`, which is the name."""
        arn = self.place.arn("codebuild", f"project/{self.physical_id}")
        return {"Arn": arn, "Id": self.physical_id}.get(name)


TYPES = (Project,)
