from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def resources(days: int, *, logged: bool = True) -> dict[str, Any]:
    logging = {
        "LoggingConfiguration": {
            "DestinationBucketName": {"Ref": "Logs"},
            "LogFilePrefix": "models/",
        }
    }
    return {
        "Logs": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
        "Models": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {
                            "BucketKeyEnabled": True,
                            "ServerSideEncryptionByDefault": {
                                "SSEAlgorithm": "aws:kms",
                                "KMSMasterKeyID": "alias/aws/s3",
                            },
                        }
                    ]
                },
                "LifecycleConfiguration": {
                    "Rules": [
                        {
                            "Id": "tidy",
                            "Status": "Enabled",
                            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                            "NoncurrentVersionExpiration": {"NoncurrentDays": days},
                        },
                        {
                            "Status": "Enabled",
                            "Prefix": "old/",
                            "ExpirationInDays": 30,
                            "Transitions": [
                                {"StorageClass": "STANDARD_IA", "TransitionInDays": 10}
                            ],
                        },
                    ]
                },
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
                "Tags": [{"Key": "team", "Value": "ml"}],
                "VersioningConfiguration": {"Status": "Enabled"},
                **(logging if logged else {}),
            },
        },
        "Policy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Models"},
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Deny",
                            "Principal": {"AWS": "*"},
                            "Action": "s3:*",
                            "Resource": [
                                {"Fn::GetAtt": ["Models", "Arn"]},
                                {"Fn::Sub": "${Models.Arn}/*"},
                            ],
                            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                        }
                    ],
                },
            },
        },
    }


def test_a_bucket_is_read_as_the_template_says(client: Client, deployed: Deployed) -> None:
    ids, s3 = deployed(**resources(90)), client("s3")
    bucket = {"Bucket": ids["Models"]}
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert rule["BucketKeyEnabled"] is True
    block = s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"]
    assert all(block.values())
    assert len(block) == 4
    ownership = s3.get_bucket_ownership_controls(**bucket)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    tidy, old = s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]
    assert tidy["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert tidy["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert old["Expiration"] == {"Days": 30}
    assert old["Transitions"] == [{"Days": 10, "StorageClass": "STANDARD_IA"}]
    logging = s3.get_bucket_logging(**bucket)["LoggingEnabled"]
    assert (logging["TargetBucket"], logging["TargetPrefix"]) == (ids["Logs"], "models/")
    assert s3.get_bucket_tagging(**bucket)["TagSet"] == [{"Key": "team", "Value": "ml"}]
    assert "aws:SecureTransport" in s3.get_bucket_policy(**bucket)["Policy"]


def test_an_update_changes_and_removes(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    deployed(**resources(90))
    changed = resources(30)
    del changed["Models"]["Properties"]["Tags"]
    changed["Models"]["Properties"]["VersioningConfiguration"] = {"Status": "Suspended"}
    ids, s3 = deployed(**changed), client("s3")
    bucket = {"Bucket": ids["Models"]}
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Suspended"
    tidy = s3.get_bucket_lifecycle_configuration(**bucket)["Rules"][0]
    assert tidy["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchTagSet"):
        s3.get_bucket_tagging(**bucket)
    destroyed()
    assert [item["Name"] for item in s3.list_buckets()["Buckets"]] == [ids["Logs"]]


def test_a_configuration_that_cannot_be_put_is_named(
    create: Callable[..., dict[str, Any]],
) -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"InventoryConfigurations": []}}
    reason = create({"Resources": {"Mine": bucket}})["StackStatusReason"]
    assert "[Mine]" in reason
    assert "InventoryConfigurations" in reason
