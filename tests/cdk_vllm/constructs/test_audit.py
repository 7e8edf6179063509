"""The audit trail: what is in it, what is not, and who can touch it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import Duration
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from cdk_vllm.constructs import Audit, LogBucket

if TYPE_CHECKING:
    import aws_cdk as cdk


@pytest.fixture
def audited(stack: cdk.Stack) -> tuple[Template, Audit, s3.Bucket]:
    models = s3.Bucket(stack, "Models")
    log_bucket = LogBucket(stack, "Logs").bucket
    audit = Audit(
        stack, "Audit", bucket=models, log_bucket=log_bucket, retention=Duration.days(500)
    )
    return Template.from_stack(stack), audit, models


def selectors(template: Template) -> dict[str, dict[str, Any]]:
    (trail,) = template.find_resources("AWS::CloudTrail::Trail").values()
    return {
        selector["Name"]: {
            field["Field"]: field.get("Equals") or field.get("StartsWith")
            for field in selector["FieldSelectors"]
        }
        for selector in trail["Properties"]["AdvancedEventSelectors"]
    }


def test_models_read_and_endpoints_invoked_are_written_down_and_nothing_else(
    stack: cdk.Stack, audited: tuple[Template, Audit, s3.Bucket]
) -> None:
    template, _, models = audited
    found = selectors(template)
    assert found["Invocations"] == {
        "eventCategory": ["Data"],
        "resources.type": ["AWS::SageMaker::Endpoint"],
    }
    assert found["Models"] == {
        "eventCategory": ["Data"],
        "resources.type": ["AWS::S3::Object"],
        "resources.ARN": [stack.resolve(models.arn_for_objects(""))],
    }
    assert len(found) == 2


def test_files_are_signed_encrypted_and_kept_beyond_their_stack(
    stack: cdk.Stack, audited: tuple[Template, Audit, s3.Bucket]
) -> None:
    template, audit, _ = audited
    template.has_resource_properties(
        "AWS::CloudTrail::Trail",
        {
            "EnableLogFileValidation": True,
            "IsLogging": True,
            "KMSKeyId": stack.resolve(audit.key.key_arn),
            "S3BucketName": stack.resolve(audit.bucket.bucket_name),
        },
    )
    template.has_resource(
        "AWS::S3::Bucket",
        {
            "DeletionPolicy": "Retain",
            "Properties": Match.object_like(
                {
                    "LifecycleConfiguration": {
                        "Rules": [Match.object_like({"ExpirationInDays": 500})]
                    },
                    "VersioningConfiguration": {"Status": "Enabled"},
                }
            ),
        },
    )


def test_cloudtrail_writes_for_this_trail_only(
    stack: cdk.Stack, audited: tuple[Template, Audit, s3.Bucket]
) -> None:
    template, audit, _ = audited
    bucket = stack.resolve(audit.bucket.bucket_name)
    (policy,) = [
        body["Properties"]["PolicyDocument"]
        for body in template.find_resources("AWS::S3::BucketPolicy").values()
        if body["Properties"]["Bucket"] == bucket
    ]
    (key,) = [
        body["Properties"]["KeyPolicy"]
        for body in template.find_resources("AWS::KMS::Key").values()
        if "cloudtrail" in json.dumps(body)
    ]
    statements = [
        statement
        for statement in [*policy["Statement"], *key["Statement"]]
        if statement["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    ]
    assert len(statements) == 3
    for statement in statements:
        assert "trail/Stack-audit" in json.dumps(statement["Condition"])
