"""AWS KMS: keys."""

from __future__ import annotations

from typing import Any

from .resource import Resource, pairs


class Key(Resource):
    """`AWS::KMS::Key`; `Ref` is its id."""

    type_name = "AWS::KMS::Key"
    fixed = frozenset({"KeySpec", "KeyUsage", "MultiRegion", "Origin"})

    _APART = (
        "EnableKeyRotation",
        "Enabled",
        "KeyPolicy",
        "PendingWindowInDays",
        "RotationPeriodInDays",
        "Tags",
    )

    def create(self, properties: dict[str, Any]) -> str:
        """Create the key with its policy, tags and rotation."""
        given = {name: properties[name] for name in properties if name not in self._APART}
        tags = [{"TagKey": k, "TagValue": v} for k, v in pairs(properties.get("Tags")).items()]
        policy = {"Policy": properties["KeyPolicy"]} if "KeyPolicy" in properties else {}
        answer = self.call("kms.create_key", {**given, **policy, "Tags": tags})
        key_id = str(answer["KeyMetadata"]["KeyId"])
        self._set(key_id, properties)
        return key_id

    def _set(self, key_id: str, properties: dict[str, Any]) -> None:
        client = self.client("kms")
        if str(properties.get("EnableKeyRotation", "false")).lower() == "true":
            period = properties.get("RotationPeriodInDays")
            more = {"RotationPeriodInDays": int(period)} if period else {}
            client.enable_key_rotation(KeyId=key_id, **more)
        if str(properties.get("Enabled", "true")).lower() == "false":
            client.disable_key(KeyId=key_id)

    def update(self, properties: dict[str, Any]) -> None:
        """Change description, policy, rotation and state."""
        client, key = self.client("kms"), {"KeyId": self.physical_id}
        if self.changed(properties, "Description"):
            client.update_key_description(**key, Description=properties.get("Description", ""))
        if self.changed(properties, "KeyPolicy"):
            policy = {**key, "PolicyName": "default", "Policy": properties["KeyPolicy"]}
            self.call("kms.put_key_policy", policy)
        if self.changed(properties, "EnableKeyRotation"):
            client.disable_key_rotation(**key)
        if self.changed(properties, "Enabled"):
            client.enable_key(**key)
        self._set(self.physical_id, properties)
        if self.changed(properties, "Tags"):
            tags = pairs(properties.get("Tags")).items()
            client.tag_resource(**key, Tags=[{"TagKey": k, "TagValue": v} for k, v in tags])

    def delete(self) -> None:
        """Schedule the key's deletion, as CloudFormation does."""
        self.client("kms").schedule_key_deletion(
            KeyId=self.physical_id,
            PendingWindowInDays=int(self.properties.get("PendingWindowInDays", 30)),
        )

    def attribute(self, name: str) -> Any:
        """Return `Arn` or `KeyId`."""
        arn = self.place.arn("kms", f"key/{self.physical_id}")
        return {"Arn": arn, "KeyId": self.physical_id}.get(name)


class Alias(Resource):
    """`AWS::KMS::Alias`; `Ref` is its name."""

    type_name = "AWS::KMS::Alias"
    name_property = "AliasName"

    def create(self, properties: dict[str, Any]) -> str:
        """Create the alias."""
        self.call("kms.create_alias", properties)
        return str(properties["AliasName"])

    def update(self, properties: dict[str, Any]) -> None:
        """Point the alias at another key."""
        self.call("kms.update_alias", properties)

    def delete(self) -> None:
        """Delete the alias."""
        self.client("kms").delete_alias(AliasName=self.physical_id)


TYPES = (Alias, Key)
