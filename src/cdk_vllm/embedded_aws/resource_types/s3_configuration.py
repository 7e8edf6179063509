"""A bucket's properties as S3's own calls: one call for each configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .service_calls import UnknownPropertyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def configuration_calls(
    properties: Mapping[str, Any], before: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each operation and its parameters that leads from `before` to `properties`."""
    for name, (put, remove, spelled) in _CONFIGURATIONS.items():
        if name in properties and properties[name] != before.get(name):
            yield put, spelled(properties[name])
        elif name in before and name not in properties and remove:
            yield remove, {}


def refuse_unknown(properties: Mapping[str, Any], known: set[str]) -> None:
    """Refuse a property that no call here puts.

    Raises:
        UnknownPropertyError: naming it.
    """
    unknown = sorted(properties.keys() - known - _CONFIGURATIONS.keys())
    if unknown:
        raise UnknownPropertyError(f"a bucket's {', '.join(unknown)} cannot be put here.")


def _whole(parameter: str) -> Any:
    return lambda value: {parameter: value}


def _encryption(value: Any) -> dict[str, Any]:
    rules = [
        {
            "ApplyServerSideEncryptionByDefault": rule.get("ServerSideEncryptionByDefault", {}),
            "BucketKeyEnabled": rule.get("BucketKeyEnabled", False),
        }
        for rule in value["ServerSideEncryptionConfiguration"]
    ]
    return {"ServerSideEncryptionConfiguration": {"Rules": rules}}


def _logging(value: Any) -> dict[str, Any]:
    enabled = {
        "TargetBucket": value.get("DestinationBucketName", ""),
        "TargetPrefix": value.get("LogFilePrefix", ""),
    }
    if "TargetObjectKeyFormat" in value:
        enabled["TargetObjectKeyFormat"] = value["TargetObjectKeyFormat"]
    return {"BucketLoggingStatus": {"LoggingEnabled": enabled}}


def _lifecycle(value: Any) -> dict[str, Any]:
    return {"LifecycleConfiguration": {"Rules": [_rule(rule) for rule in value["Rules"]]}}


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    spelled: dict[str, Any] = {"Status": rule["Status"]}
    if "Id" in rule:
        spelled["ID"] = rule["Id"]
    spelled["Filter"] = _filter(rule)
    expiration = {
        "Days": rule.get("ExpirationInDays"),
        "Date": rule.get("ExpirationDate"),
        "ExpiredObjectDeleteMarker": rule.get("ExpiredObjectDeleteMarker"),
    }
    _put(spelled, "Expiration", {k: v for k, v in expiration.items() if v is not None})
    noncurrent = rule.get("NoncurrentVersionExpiration") or {}
    if "NoncurrentVersionExpirationInDays" in rule:
        noncurrent = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    _put(spelled, "NoncurrentVersionExpiration", noncurrent)
    abort = rule.get("AbortIncompleteMultipartUpload")
    _put(spelled, "AbortIncompleteMultipartUpload", abort)
    _put(spelled, "Transitions", [_transition(item) for item in _listed(rule, "Transition")])
    _put(
        spelled,
        "NoncurrentVersionTransitions",
        [_noncurrent(item) for item in _listed(rule, "NoncurrentVersionTransition")],
    )
    return spelled


def _put(target: dict[str, Any], name: str, value: Any) -> None:
    if value:
        target[name] = value


def _listed(rule: Mapping[str, Any], name: str) -> list[Any]:
    return list(rule.get(f"{name}s") or ([rule[name]] if name in rule else []))


def _transition(item: Mapping[str, Any]) -> dict[str, Any]:
    names = {"TransitionInDays": "Days", "TransitionDate": "Date"}
    return {names.get(key, key): value for key, value in item.items()}


def _noncurrent(item: Mapping[str, Any]) -> dict[str, Any]:
    names = {"TransitionInDays": "NoncurrentDays"}
    return {names.get(key, key): value for key, value in item.items()}


def _filter(rule: Mapping[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if "Prefix" in rule:
        parts["Prefix"] = rule["Prefix"]
    for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if name in rule:
            parts[name] = rule[name]
    tags = rule.get("TagFilters", [])
    if len(parts) + len(tags) > 1:
        return {"And": {**parts, **({"Tags": tags} if tags else {})}}
    if tags:
        return {"Tag": tags[0]}
    return parts or {"Prefix": ""}


def _notifications(value: Any) -> dict[str, Any]:
    converted: dict[str, Any] = {}
    kinds = {
        "LambdaConfigurations": ("LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
        "QueueConfigurations": ("QueueConfigurations", "Queue", "QueueArn"),
        "TopicConfigurations": ("TopicConfigurations", "Topic", "TopicArn"),
    }
    for name, (listed, target, arn) in kinds.items():
        for item in value.get(name, []):
            spelled = {arn: item[target], "Events": [item["Event"]]}
            rules = item.get("Filter", {}).get("S3Key", {}).get("Rules")
            if rules:
                spelled["Filter"] = {"Key": {"FilterRules": rules}}
            converted.setdefault(listed, []).append(spelled)
    if "EventBridgeConfiguration" in value:
        converted["EventBridgeConfiguration"] = {}
    return {"NotificationConfiguration": converted}


def _cors(value: Any) -> dict[str, Any]:
    names = {"ExposedHeaders": "ExposeHeaders", "Id": "ID", "MaxAge": "MaxAgeSeconds"}
    rules = [{names.get(k, k): v for k, v in rule.items()} for rule in value["CorsRules"]]
    return {"CORSConfiguration": {"CORSRules": rules}}


_CONFIGURATIONS: dict[str, tuple[str, str, Any]] = {
    "OwnershipControls": (
        "put_bucket_ownership_controls",
        "delete_bucket_ownership_controls",
        _whole("OwnershipControls"),
    ),
    "PublicAccessBlockConfiguration": (
        "put_public_access_block",
        "delete_public_access_block",
        _whole("PublicAccessBlockConfiguration"),
    ),
    "AccelerateConfiguration": (
        "put_bucket_accelerate_configuration",
        "",
        lambda value: {"AccelerateConfiguration": {"Status": value["AccelerationStatus"]}},
    ),
    "BucketEncryption": ("put_bucket_encryption", "delete_bucket_encryption", _encryption),
    "VersioningConfiguration": ("put_bucket_versioning", "", _whole("VersioningConfiguration")),
    "LifecycleConfiguration": (
        "put_bucket_lifecycle_configuration",
        "delete_bucket_lifecycle",
        _lifecycle,
    ),
    "LoggingConfiguration": ("put_bucket_logging", "", _logging),
    "NotificationConfiguration": (
        "put_bucket_notification_configuration",
        "",
        _notifications,
    ),
    "CorsConfiguration": ("put_bucket_cors", "delete_bucket_cors", _cors),
    "Tags": (
        "put_bucket_tagging",
        "delete_bucket_tagging",
        lambda value: {"Tagging": {"TagSet": value}},
    ),
}
"""Property: the call that puts it, the call that removes it, and its parameters.

Ownership controls come first: with them, S3 accepts an access control list for log delivery.
"""
