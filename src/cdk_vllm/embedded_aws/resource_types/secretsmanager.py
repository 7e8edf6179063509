"""Secrets Manager: secrets, given or generated."""

from __future__ import annotations

import json
from typing import Any

from .resource import Resource

_GENERATION = {
    "ExcludeCharacters",
    "ExcludeLowercase",
    "ExcludeNumbers",
    "ExcludePunctuation",
    "ExcludeUppercase",
    "IncludeSpace",
    "PasswordLength",
    "RequireEachIncludedType",
}


class Secret(Resource):
    """`AWS::SecretsManager::Secret`; `Ref` is its ARN."""

    type_name = "AWS::SecretsManager::Secret"
    name_property = "Name"
    name_limit = 255

    def create(self, properties: dict[str, Any]) -> str:
        """Create the secret, with a value made as `GenerateSecretString` says."""
        answer = self.call(
            "secretsmanager.create_secret",
            self._valued(properties),
            without=("GenerateSecretString",),
            rename={"ReplicaRegions": "AddReplicaRegions"},
        )
        return str(answer["ARN"])

    def _valued(self, properties: dict[str, Any]) -> dict[str, Any]:
        how = properties.get("GenerateSecretString")
        if how is None or "SecretString" in properties:
            return properties
        wanted = {name: value for name, value in how.items() if name in _GENERATION}
        password = self.call("secretsmanager.get_random_password", wanted)["RandomPassword"]
        if "GenerateStringKey" not in how:
            return {**properties, "SecretString": password}
        content = json.loads(how.get("SecretStringTemplate", "{}"))
        content[how["GenerateStringKey"]] = password
        return {**properties, "SecretString": json.dumps(content)}

    def update(self, properties: dict[str, Any]) -> None:
        """Change description, key and value; a generated value stays while its recipe does."""
        recipe_changed = self.changed(properties, "GenerateSecretString")
        valued = self._valued(properties) if recipe_changed else properties
        self.call(
            "secretsmanager.update_secret",
            {"SecretId": self.physical_id, **valued},
            without=("GenerateSecretString", "Name", "ReplicaRegions", "Tags"),
        )
        if self.changed(properties, "Tags") and properties.get("Tags"):
            tagged = {"SecretId": self.physical_id, "Tags": properties["Tags"]}
            self.call("secretsmanager.tag_resource", tagged)

    def delete(self) -> None:
        """Delete the secret at once, as CloudFormation does."""
        self.client("secretsmanager").delete_secret(
            SecretId=self.physical_id, ForceDeleteWithoutRecovery=True
        )

    def attribute(self, name: str) -> Any:
        """Return `Id`, which is the ARN."""
        return self.physical_id if name == "Id" else None


class ResourcePolicy(Resource):
    """`AWS::SecretsManager::ResourcePolicy`; `Ref` is the secret's ARN."""

    type_name = "AWS::SecretsManager::ResourcePolicy"
    fixed = frozenset({"SecretId"})

    def create(self, properties: dict[str, Any]) -> str:
        """Put the policy."""
        self.call("secretsmanager.put_resource_policy", properties)
        return str(properties["SecretId"])

    def update(self, properties: dict[str, Any]) -> None:
        """Put it anew."""
        self.create(properties)

    def delete(self) -> None:
        """Delete the policy."""
        self.client("secretsmanager").delete_resource_policy(SecretId=self.physical_id)


TYPES = (ResourcePolicy, Secret)
