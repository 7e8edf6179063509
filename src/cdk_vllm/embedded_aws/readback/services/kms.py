"""Reads KMS back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, only, optional, tail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _key(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    kms = client("kms")
    key = kms.describe_key(KeyId=physical_id)["KeyMetadata"]
    if key["KeyState"] in ("PendingDeletion", "PendingReplicaDeletion"):
        raise LookupError
    rotation = optional(kms.get_key_rotation_status, KeyId=physical_id)
    policy = optional(kms.get_key_policy, KeyId=physical_id, PolicyName="default")
    tags = optional(kms.list_resource_tags, KeyId=physical_id).get("Tags", [])
    return {
        **listed(key, "Arn", "Description", "Enabled", "KeyId", "KeySpec", "KeyUsage"),
        "EnableKeyRotation": rotation.get("KeyRotationEnabled", False),
        "KeyPolicy": policy.get("Policy"),
        "MultiRegion": key.get("MultiRegion", False),
        "RotationPeriodInDays": rotation.get("RotationPeriodInDays"),
        "Tags": [{"Key": tag["TagKey"], "Value": tag["TagValue"]} for tag in tags],
    }


def _alias(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    pages = client("kms").get_paginator("list_aliases").paginate()
    alias = only(
        alias for page in pages for alias in page["Aliases"] if alias["AliasName"] == physical_id
    )
    found = alias.get("TargetKeyId")
    wanted = properties.get("TargetKeyId")
    # The service answers with the key's id; a template may give the key's ARN.
    same = isinstance(wanted, str) and found is not None and tail(wanted) == tail(found)
    return {"AliasName": alias["AliasName"], "TargetKeyId": wanted if same else found}


READERS: Mapping[str, Reader] = {"AWS::KMS::Alias": _alias, "AWS::KMS::Key": _key}
