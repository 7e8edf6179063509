from __future__ import annotations

import json
from typing import Any

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}


def test_key_and_alias(client: Client, wrong: Wrong) -> None:
    kms = client("kms")
    key = kms.create_key(
        Description="models", Policy=json.dumps(POLICY), Tags=[{"TagKey": "a", "TagValue": "b"}]
    )["KeyMetadata"]
    written = {
        "Description": "models",
        "EnableKeyRotation": True,
        "Enabled": True,
        "KeyPolicy": POLICY,
        "KeySpec": "SYMMETRIC_DEFAULT",
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    assert wrong("KMS::Key", key["KeyId"], written) == [
        "EnableKeyRotation should be true but is false"
    ]
    kms.enable_key_rotation(KeyId=key["KeyId"])
    assert wrong("KMS::Key", key["KeyId"], written) == []

    kms.create_alias(AliasName="alias/models", TargetKeyId=key["KeyId"])
    for target in (key["KeyId"], key["Arn"]):
        alias = {"AliasName": "alias/models", "TargetKeyId": target}
        assert wrong("KMS::Alias", "alias/models", alias) == []
    assert not exists(client, "AWS::KMS::Alias", "alias/other")

    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    assert not exists(client, "AWS::KMS::Key", key["KeyId"])
