from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm.embedded_aws.resource_types.s3_configuration import (
    configuration_calls,
    refuse_unknown,
)
from cdk_vllm.embedded_aws.resource_types.service_calls import UnknownPropertyError


def calls(properties: dict[str, Any], before: dict[str, Any] | None = None) -> list[str]:
    return [operation for operation, _ in configuration_calls(properties, before or {})]


def test_only_what_changed_is_put_and_what_is_gone_is_removed() -> None:
    versioned = {"VersioningConfiguration": {"Status": "Enabled"}}
    tagged = {"Tags": [{"Key": "a", "Value": "b"}]}
    assert calls({**versioned, **tagged}) == ["put_bucket_versioning", "put_bucket_tagging"]
    assert calls({**versioned, **tagged}, versioned) == ["put_bucket_tagging"]
    assert calls(versioned, {**versioned, **tagged}) == ["delete_bucket_tagging"]


def test_a_rule_with_several_filters_joins_them() -> None:
    rule = {
        "Status": "Enabled",
        "Prefix": "a/",
        "ObjectSizeGreaterThan": 10,
        "TagFilters": [{"Key": "k", "Value": "v"}],
        "NoncurrentVersionExpirationInDays": 3,
        "Transition": {"StorageClass": "GLACIER", "TransitionInDays": 1},
    }
    ((_, parameters),) = configuration_calls({"LifecycleConfiguration": {"Rules": [rule]}}, {})
    (spelled,) = parameters["LifecycleConfiguration"]["Rules"]
    assert spelled["Filter"]["And"] == {
        "Prefix": "a/",
        "ObjectSizeGreaterThan": 10,
        "Tags": [{"Key": "k", "Value": "v"}],
    }
    assert spelled["NoncurrentVersionExpiration"] == {"NoncurrentDays": 3}
    assert spelled["Transitions"] == [{"StorageClass": "GLACIER", "Days": 1}]


def test_notifications_and_cors_are_spelled_as_s3_spells_them() -> None:
    properties = {
        "NotificationConfiguration": {
            "LambdaConfigurations": [
                {
                    "Event": "s3:ObjectCreated:*",
                    "Function": "arn:f",
                    "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "a/"}]}},
                }
            ],
            "EventBridgeConfiguration": {"EventBridgeEnabled": True},
        },
        "CorsConfiguration": {
            "CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAge": 3}]
        },
    }
    made = dict(configuration_calls(properties, {}))
    told = made["put_bucket_notification_configuration"]["NotificationConfiguration"]
    assert told["EventBridgeConfiguration"] == {}
    (function,) = told["LambdaFunctionConfigurations"]
    assert function["LambdaFunctionArn"] == "arn:f"
    assert function["Filter"]["Key"]["FilterRules"] == [{"Name": "prefix", "Value": "a/"}]
    (cors,) = made["put_bucket_cors"]["CORSConfiguration"]["CORSRules"]
    assert cors["MaxAgeSeconds"] == 3


def test_an_unknown_property_is_named() -> None:
    refuse_unknown({"BucketName": "b", "Tags": []}, known={"BucketName"})
    with pytest.raises(UnknownPropertyError, match="ReplicationConfiguration"):
        refuse_unknown({"ReplicationConfiguration": {}}, known={"BucketName"})
