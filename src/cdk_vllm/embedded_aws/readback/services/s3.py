"""Reads S3 back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, optional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _bucket(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    s3 = client("s3")
    s3.head_bucket(Bucket=physical_id)
    return {
        **_protection(s3, physical_id),
        **_configuration(s3, physical_id),
        "Arn": f"arn:aws:s3:::{physical_id}",
        "BucketName": physical_id,
        "DomainName": f"{physical_id}.s3.amazonaws.com",
        "RegionalDomainName": f"{physical_id}.s3.{s3.meta.region_name}.amazonaws.com",
    }


def _protection(s3: Any, bucket: str) -> dict[str, Any]:
    encryption = optional(s3.get_bucket_encryption, Bucket=bucket)
    block = optional(s3.get_public_access_block, Bucket=bucket)
    rules = encryption.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    ownership = optional(s3.get_bucket_ownership_controls, Bucket=bucket)
    lock = optional(s3.get_object_lock_configuration, Bucket=bucket)
    lock_configuration = lock.get("ObjectLockConfiguration")
    return {
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {**rule, "ServerSideEncryptionByDefault": _default_encryption(rule)}
                for rule in rules
            ]
        },
        "ObjectLockConfiguration": lock_configuration,
        "ObjectLockEnabled": bool(lock_configuration),
        "OwnershipControls": ownership.get("OwnershipControls"),
        "PublicAccessBlockConfiguration": block.get("PublicAccessBlockConfiguration"),
        "VersioningConfiguration": listed(
            optional(s3.get_bucket_versioning, Bucket=bucket), "Status"
        ),
    }


def _default_encryption(rule: Mapping[str, Any]) -> Any:
    return rule.get("ApplyServerSideEncryptionByDefault")


def _configuration(s3: Any, bucket: str) -> dict[str, Any]:
    lifecycle = optional(s3.get_bucket_lifecycle_configuration, Bucket=bucket)
    logging = optional(s3.get_bucket_logging, Bucket=bucket).get("LoggingEnabled")
    notification = optional(s3.get_bucket_notification_configuration, Bucket=bucket)
    return {
        "AccelerateConfiguration": {
            "AccelerationStatus": optional(
                s3.get_bucket_accelerate_configuration, Bucket=bucket
            ).get("Status")
        },
        "LifecycleConfiguration": {"Rules": [_as_rule(r) for r in lifecycle.get("Rules", [])]},
        "LoggingConfiguration": logging
        and {
            "DestinationBucketName": logging.get("TargetBucket"),
            "LogFilePrefix": logging.get("TargetPrefix") or None,
        },
        "NotificationConfiguration": _notification(notification),
        "Tags": optional(s3.get_bucket_tagging, Bucket=bucket).get("TagSet"),
    }


def _as_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Write a lifecycle rule of the API as a template does."""
    expiration = rule.get("Expiration", {})
    condition = rule.get("Filter", {})
    both = condition.get("And", condition)
    tags = both.get("Tags") or ([condition["Tag"]] if "Tag" in condition else [])
    return {
        **listed(rule, "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration", "Status"),
        "ExpirationInDays": expiration.get("Days"),
        "ExpiredObjectDeleteMarker": expiration.get("ExpiredObjectDeleteMarker"),
        "Id": rule.get("ID"),
        "NoncurrentVersionTransitions": [
            {**item, "TransitionInDays": item.get("NoncurrentDays")}
            for item in rule.get("NoncurrentVersionTransitions", [])
        ],
        "ObjectSizeGreaterThan": both.get("ObjectSizeGreaterThan"),
        "ObjectSizeLessThan": both.get("ObjectSizeLessThan"),
        "Prefix": rule.get("Prefix", both.get("Prefix")),
        "TagFilters": tags,
        "Transitions": [
            {**item, "TransitionInDays": item.get("Days")} for item in rule.get("Transitions", [])
        ],
    }


def _notification(answer: Mapping[str, Any]) -> dict[str, Any]:
    bridge = answer.get("EventBridgeConfiguration")
    return {
        "EventBridgeConfiguration": None if bridge is None else {"EventBridgeEnabled": True},
        "LambdaConfigurations": [
            {"Event": event, "Function": item["LambdaFunctionArn"]}
            for item in answer.get("LambdaFunctionConfigurations", [])
            for event in item["Events"]
        ],
        "QueueConfigurations": [
            {"Event": event, "Queue": item["QueueArn"]}
            for item in answer.get("QueueConfigurations", [])
            for event in item["Events"]
        ],
        "TopicConfigurations": [
            {"Event": event, "Topic": item["TopicArn"]}
            for item in answer.get("TopicConfigurations", [])
            for event in item["Events"]
        ],
    }


def _bucket_policy(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    bucket = properties.get("Bucket", physical_id)
    answer = client("s3").get_bucket_policy(Bucket=bucket)
    return {"Bucket": bucket, "PolicyDocument": answer["Policy"]}


READERS: Mapping[str, Reader] = {
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": _bucket_policy,
}
