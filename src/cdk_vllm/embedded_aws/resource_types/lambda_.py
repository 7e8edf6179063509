"""Lambda: functions and permissions; nothing runs them."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from .resource import Resource, pairs


class Function(Resource):
    """`AWS::Lambda::Function`; `Ref` is its name."""

    type_name = "AWS::Lambda::Function"
    name_property = "FunctionName"
    fixed = frozenset({"PackageType"})

    _APART = (
        "Code",
        "FunctionScalingConfig",
        "PublishToLatestPublished",
        "RecursiveLoop",
        "ReservedConcurrentExecutions",
        "RuntimeManagementConfig",
        "SnapStart",
    )

    def create(self, properties: dict[str, Any]) -> str:
        """Create the function from its object in S3, its image or its inline text."""
        code = _code(properties)
        self.call("lambda.create_function", {**_plain(properties, self._APART), "Code": code})
        name = str(properties["FunctionName"])
        self._reserve(name, properties)
        return name

    def _reserve(self, name: str, properties: dict[str, Any]) -> None:
        if "ReservedConcurrentExecutions" in properties:
            self.client("lambda").put_function_concurrency(
                FunctionName=name,
                ReservedConcurrentExecutions=int(properties["ReservedConcurrentExecutions"]),
            )

    def update(self, properties: dict[str, Any]) -> None:
        """Change code, configuration and tags."""
        apart = (*self._APART, "Architectures", "CodeSigningConfigArn", "PackageType", "Tags")
        self.call("lambda.update_function_configuration", _plain(properties, apart))
        if self.changed(properties, "Code"):
            code = {"FunctionName": self.physical_id, **_code(properties)}
            self.call("lambda.update_function_code", code)
        self._reserve(self.physical_id, properties)
        if self.changed(properties, "Tags") and properties.get("Tags"):
            self.client("lambda").tag_resource(
                Resource=self.attribute("Arn"), Tags=pairs(properties["Tags"])
            )

    def delete(self) -> None:
        """Delete the function."""
        self.client("lambda").delete_function(FunctionName=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `Arn`."""
        return self.place.arn("lambda", f"function:{self.physical_id}") if name == "Arn" else None


def _plain(properties: dict[str, Any], apart: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name not in apart}


def _code(properties: dict[str, Any]) -> dict[str, Any]:
    code = dict(properties["Code"])
    code.pop("SourceKMSKeyArn", None)
    if "ZipFile" in code:
        runtime = str(properties.get("Runtime", ""))
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(
                f"index.{'py' if runtime.startswith('python') else 'js'}", code["ZipFile"]
            )
        code["ZipFile"] = packed.getvalue()
    return code


class Permission(Resource):
    """`AWS::Lambda::Permission`; `Ref` is the statement's id."""

    type_name = "AWS::Lambda::Permission"

    def create(self, properties: dict[str, Any]) -> str:
        """Add the statement to the function's policy."""
        statement = self.generated_name()
        self.call("lambda.add_permission", {**properties, "StatementId": statement})
        return statement

    def delete(self) -> None:
        """Remove the statement."""
        self.client("lambda").remove_permission(
            FunctionName=self.properties["FunctionName"], StatementId=self.physical_id
        )

    def attribute(self, name: str) -> Any:
        """Return `Id`."""
        return self.physical_id if name == "Id" else None


TYPES = (Function, Permission)
