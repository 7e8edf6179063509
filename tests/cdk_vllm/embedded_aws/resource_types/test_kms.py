from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}
    ],
}


def resources(description: str, *, rotated: bool) -> dict[str, Any]:
    return {
        "Key": {
            "Type": "AWS::KMS::Key",
            "Properties": {
                "Description": description,
                "EnableKeyRotation": rotated,
                "KeyPolicy": POLICY,
                "PendingWindowInDays": 7,
                "Tags": [{"Key": "team", "Value": "ml"}],
            },
        },
        "Alias": {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": "alias/mine", "TargetKeyId": {"Ref": "Key"}},
        },
    }


def test_a_key_is_read_and_changes(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    kms, ids = client("kms"), deployed(**resources("one", rotated=True))
    key = {"KeyId": ids["Key"]}
    assert kms.describe_key(**key)["KeyMetadata"]["Description"] == "one"
    assert kms.get_key_rotation_status(**key)["KeyRotationEnabled"] is True
    policy = kms.get_key_policy(**key, PolicyName="default")["Policy"]
    assert json.loads(policy)["Statement"][0]["Action"] == "kms:*"
    assert kms.list_resource_tags(**key)["Tags"] == [{"TagKey": "team", "TagValue": "ml"}]
    (alias,) = kms.list_aliases(**key)["Aliases"]
    assert (alias["AliasName"], alias["TargetKeyId"]) == ("alias/mine", ids["Key"])
    assert deployed(**resources("two", rotated=False)) == ids
    assert kms.describe_key(**key)["KeyMetadata"]["Description"] == "two"
    assert kms.get_key_rotation_status(**key)["KeyRotationEnabled"] is False
    destroyed()
    assert kms.describe_key(**key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
