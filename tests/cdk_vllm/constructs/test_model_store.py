"""The model store: what a reader may do, and where a model lies."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from cdk_vllm.constructs import LogBucket, ModelStore

MODEL, REVISION = "Qwen/Qwen3-8B", "abc123"


def make(stack: cdk.Stack) -> ModelStore:
    return ModelStore(stack, "Models", log_bucket=LogBucket(stack, "Logs").bucket)


def test_a_models_uri_ends_in_a_slash(stack: cdk.Stack) -> None:
    uri = stack.resolve(make(stack).model_uri(MODEL, REVISION))
    bucket, prefix = uri["Fn::Join"][1][1:]
    assert bucket["Ref"].startswith("ModelsBucket")
    assert prefix == "/models/Qwen/Qwen3-8B/abc123/"


def test_a_reader_lists_reads_and_decrypts_one_revision_and_nothing_else(
    stack: cdk.Stack,
) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    make(stack).grant_read(role, MODEL, REVISION)
    (policy,) = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    get, listing, decrypt = policy["Properties"]["PolicyDocument"]["Statement"]
    assert get["Action"] == "s3:GetObject"
    assert get["Resource"]["Fn::Join"][1][-1] == "/models/Qwen/Qwen3-8B/abc123/*"
    assert listing["Action"] == "s3:ListBucket"
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["models/Qwen/Qwen3-8B/abc123/*"]}}
    assert decrypt["Action"] == "kms:Decrypt"
    assert "kms:ViaService" in decrypt["Condition"]["StringEquals"]


def test_old_versions_end_and_broken_uploads_too(stack: cdk.Stack) -> None:
    make(stack)
    Template.from_stack(stack).has_resource_properties(
        "AWS::S3::Bucket",
        {
            "BucketEncryption": Match.any_value(),
            "LifecycleConfiguration": {
                "Rules": [
                    Match.object_like(
                        {
                            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                        }
                    )
                ]
            },
            "LoggingConfiguration": Match.object_like({"LogFilePrefix": "s3/models/"}),
        },
    )
