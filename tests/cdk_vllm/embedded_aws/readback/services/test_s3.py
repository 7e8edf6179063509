from __future__ import annotations

import json
from typing import Any

import pytest

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any
EVERY_BLOCK = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}


@pytest.fixture
def bucket(client: Client) -> Any:
    client("s3").create_bucket(Bucket="models")
    return client("s3")


def test_an_open_bucket_differs_from_a_protected_one(bucket: Any, wrong: Wrong) -> None:
    written = {
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {
                    "BucketKeyEnabled": True,
                    "ServerSideEncryptionByDefault": {
                        "KMSMasterKeyID": "arn:aws:kms:us-east-1:123456789012:key/k",
                        "SSEAlgorithm": "aws:kms",
                    },
                }
            ]
        },
        "BucketName": "models",
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": EVERY_BLOCK,
        "Tags": [{"Key": "a", "Value": "b"}],
        "VersioningConfiguration": {"Status": "Enabled"},
    }
    before = wrong("S3::Bucket", "models", written)
    assert 'VersioningConfiguration.Status should be "Enabled" but is absent' in before
    assert any(line.startswith("PublicAccessBlockConfiguration should be") for line in before)

    bucket.put_bucket_encryption(
        Bucket="models",
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "BucketKeyEnabled": True,
                    "ApplyServerSideEncryptionByDefault": {
                        "KMSMasterKeyID": "arn:aws:kms:us-east-1:123456789012:key/k",
                        "SSEAlgorithm": "aws:kms",
                    },
                }
            ]
        },
    )
    bucket.put_bucket_ownership_controls(
        Bucket="models", OwnershipControls=written["OwnershipControls"]
    )
    bucket.put_public_access_block(Bucket="models", PublicAccessBlockConfiguration=EVERY_BLOCK)
    bucket.put_bucket_tagging(Bucket="models", Tagging={"TagSet": written["Tags"]})
    bucket.put_bucket_versioning(Bucket="models", VersioningConfiguration={"Status": "Enabled"})
    assert wrong("S3::Bucket", "models", written) == []


def test_lifecycle_rules_are_read_in_the_templates_words(bucket: Any, wrong: Wrong) -> None:
    bucket.put_bucket_lifecycle_configuration(
        Bucket="models",
        LifecycleConfiguration={
            "Rules": [
                {
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                    "Expiration": {"Days": 90},
                    "Filter": {"Prefix": "logs/"},
                    "ID": "logs",
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                    "Status": "Enabled",
                    "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
                }
            ]
        },
    )
    rule = {
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        "ExpirationInDays": 90,
        "Id": "logs",
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "Prefix": "logs/",
        "Status": "Enabled",
        "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 30}],
    }
    assert wrong("S3::Bucket", "models", {"LifecycleConfiguration": {"Rules": [rule]}}) == []
    rule["ExpirationInDays"] = 365
    assert wrong("S3::Bucket", "models", {"LifecycleConfiguration": {"Rules": [rule]}}) == [
        "LifecycleConfiguration.Rules[0].ExpirationInDays should be 365 but is 90"
    ]


def test_notifications(bucket: Any, wrong: Wrong) -> None:
    bucket.put_bucket_notification_configuration(
        Bucket="models",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {
                    "LambdaFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
                    "Events": ["s3:ObjectCreated:*"],
                }
            ],
        },
        SkipDestinationValidation=True,
    )
    written = {
        "LambdaConfigurations": [
            {
                "Event": "s3:ObjectCreated:*",
                "Function": "arn:aws:lambda:us-east-1:123456789012:function:f",
            }
        ],
    }
    assert wrong("S3::Bucket", "models", {"NotificationConfiguration": written}) == []


def test_bucket_policy(bucket: Any, client: Client, wrong: Wrong) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::models", "arn:aws:s3:::models/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    assert not exists(client, "AWS::S3::BucketPolicy", "models")
    bucket.put_bucket_policy(Bucket="models", Policy=json.dumps(document))
    written = {"Bucket": "models", "PolicyDocument": document}
    assert wrong("S3::BucketPolicy", "models", written) == []
    weaker = {**document, "Statement": [{**statement, "Action": "s3:GetObject"}]}
    bucket.put_bucket_policy(Bucket="models", Policy=json.dumps(weaker))
    assert wrong("S3::BucketPolicy", "models", written) == [
        'PolicyDocument.Statement[0].Action should be "s3:*" but is "s3:GetObject"'
    ]
    bucket.delete_bucket(Bucket="models")
    assert not exists(client, "AWS::S3::Bucket", "models")
