"""Where weights, logs, images and messages lie, and who can read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cdk_vllm.checks.template import Finding, Template, as_list, report

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "AWS::S3::Bucket"
PUBLIC_ACCESS = (
    "BlockPublicAcls",
    "BlockPublicPolicy",
    "IgnorePublicAcls",
    "RestrictPublicBuckets",
)


def buckets_are_private(template: Template) -> Iterator[Finding]:
    """One mistaken policy publishes a bucket, unless public access is blocked beneath it."""
    for bucket in template.of(BUCKET):
        block = bucket.get("PublicAccessBlockConfiguration", {})
        for name in PUBLIC_ACCESS:
            if block.get(name) is not True:
                yield report(buckets_are_private, bucket, f"{name} is not true")


def buckets_are_encrypted_and_versioned(template: Template) -> Iterator[Finding]:
    """Weights that are overwritten by mistake, or on purpose, must be there to go back to."""
    for bucket in template.of(BUCKET):
        if not bucket.get("BucketEncryption"):
            yield report(buckets_are_encrypted_and_versioned, bucket, "not encrypted")
        if bucket.get("VersioningConfiguration.Status") != "Enabled":
            yield report(buckets_are_encrypted_and_versioned, bucket, "not versioned")


def buckets_want_tls(template: Template) -> Iterator[Finding]:
    """S3 answers plain HTTP, and TLS 1.0, unless its policy denies them."""
    policies = [
        (json.dumps(policy.get("Bucket")), json.dumps(policy.get("PolicyDocument")))
        for policy in template.of("AWS::S3::BucketPolicy")
    ]
    for bucket in template.of(BUCKET):
        text = " ".join(body for name, body in policies if f'"{bucket.logical_id}"' in name)
        for condition in ("aws:SecureTransport", "s3:TlsVersion"):
            if condition not in text:
                yield report(buckets_want_tls, bucket, f"no policy on {condition}")


def bucket_access_is_logged(template: Template) -> Iterator[Finding]:
    """Who read the weights, and who wrote them; a bucket that holds such logs is spared."""
    holders = {
        json.dumps(bucket.get("LoggingConfiguration.DestinationBucketName"))
        for bucket in template.of(BUCKET)
    }
    for bucket in template.of(BUCKET):
        is_holder = json.dumps({"Ref": bucket.logical_id}) in holders
        if not is_holder and not bucket.get("LoggingConfiguration"):
            yield report(bucket_access_is_logged, bucket, "no LoggingConfiguration")


def keys_rotate(template: Template) -> Iterator[Finding]:
    """A key that never changes protects everything ever written with one secret."""
    for key in template.of("AWS::KMS::Key"):
        if key.get("EnableKeyRotation") is not True:
            yield report(keys_rotate, key, "EnableKeyRotation is not true")


def stores_outlive_their_stack(template: Template) -> Iterator[Finding]:
    """A hundred gigabytes of weights should not go with a mistaken command."""
    for store in template.of(BUCKET, "AWS::ECR::Repository"):
        if store.deletion_policy not in ("Retain", "RetainExceptOnCreate"):
            yield report(stores_outlive_their_stack, store, "DeletionPolicy is not Retain")


def logs_are_encrypted_and_end(template: Template) -> Iterator[Finding]:
    """Logs without an end cost for ever, and may hold what users said."""
    for group in template.of("AWS::Logs::LogGroup"):
        if not group.get("KmsKeyId"):
            yield report(logs_are_encrypted_and_end, group, "no KmsKeyId")
        if not group.get("RetentionInDays"):
            yield report(logs_are_encrypted_and_end, group, "no RetentionInDays")


def topics_are_encrypted_and_want_tls(template: Template) -> Iterator[Finding]:
    """Alarm messages name hosts and models."""
    policies = [
        (json.dumps(policy.get("Topics")), json.dumps(policy.get("PolicyDocument")))
        for policy in template.of("AWS::SNS::TopicPolicy")
    ]
    for topic in template.of("AWS::SNS::Topic"):
        if not topic.get("KmsMasterKeyId"):
            yield report(topics_are_encrypted_and_want_tls, topic, "no KmsMasterKeyId")
        text = " ".join(body for names, body in policies if f'"{topic.logical_id}"' in names)
        if "aws:SecureTransport" not in text:
            yield report(topics_are_encrypted_and_want_tls, topic, "plain HTTP is not denied")


def images_are_fixed_and_scanned(template: Template) -> Iterator[Finding]:
    """A tag that can be moved is a way to run other code; an unscanned image is an unknown one."""
    for repository in template.of("AWS::ECR::Repository"):
        wrong = {
            "tags are mutable": repository.get("ImageTagMutability") != "IMMUTABLE",
            "not scanned on push": repository.get("ImageScanningConfiguration.ScanOnPush")
            is not True,
            "not encrypted with a key": repository.get("EncryptionConfiguration.EncryptionType")
            != "KMS",
            "images never expire": not repository.get("LifecyclePolicy"),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(images_are_fixed_and_scanned, repository, message)


def networks_are_logged(template: Template) -> Iterator[Finding]:
    """What a server that was taken over talked to is in the flow logs or nowhere."""
    logged = json.dumps([log.get("ResourceId") for log in template.of("AWS::EC2::FlowLog")])
    for vpc in template.of("AWS::EC2::VPC"):
        if f'"{vpc.logical_id}"' not in logged:
            yield report(networks_are_logged, vpc, "no flow log")


def weights_take_the_free_way(template: Template) -> Iterator[Finding]:
    """Through a NAT gateway every cold start is billed by the GB; S3's gateway endpoint is free."""
    endpoints = [
        endpoint
        for endpoint in template.of("AWS::EC2::VPCEndpoint")
        if endpoint.get("VpcEndpointType") == "Gateway"
        and ".s3" in json.dumps(as_list(endpoint.get("ServiceName")))
    ]
    for vpc in template.of("AWS::EC2::VPC"):
        if f'"{vpc.logical_id}"' not in json.dumps([e.get("VpcId") for e in endpoints]):
            yield report(weights_take_the_free_way, vpc, "no gateway endpoint for S3")


RULES = (
    buckets_are_private,
    buckets_are_encrypted_and_versioned,
    buckets_want_tls,
    bucket_access_is_logged,
    keys_rotate,
    stores_outlive_their_stack,
    logs_are_encrypted_and_end,
    topics_are_encrypted_and_want_tls,
    images_are_fixed_and_scanned,
    networks_are_logged,
    weights_take_the_free_way,
)
