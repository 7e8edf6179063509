"""Reads Lambda back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, only, optional, tag_list, tail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _function(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    answer = client("lambda").get_function(FunctionName=physical_id)
    configuration = answer["Configuration"]
    return {
        **listed(
            configuration,
            "Architectures",
            "DeadLetterConfig",
            "Description",
            "Environment",
            "EphemeralStorage",
            "FunctionName",
            "Handler",
            "LoggingConfig",
            "MemorySize",
            "PackageType",
            "Role",
            "Runtime",
            "Timeout",
            "TracingConfig",
            "VpcConfig",
        ),
        "Arn": configuration["FunctionArn"],
        "KmsKeyArn": configuration.get("KMSKeyArn"),
        "Layers": [layer["Arn"] for layer in configuration.get("Layers", [])],
        "ReservedConcurrentExecutions": answer.get("Concurrency", {}).get(
            "ReservedConcurrentExecutions"
        ),
        "Tags": tag_list(answer.get("Tags")),
    }


def _functions(client: ClientFactory, properties: Mapping[str, Any]) -> Iterator[str]:
    if "FunctionName" in properties:
        yield properties["FunctionName"]
        return
    for page in client("lambda").get_paginator("list_functions").paginate():
        yield from (function["FunctionName"] for function in page["Functions"])


def _permission(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    """Find a statement by its id, else by its principal and source."""
    statements = [
        (function, statement)
        for function in _functions(client, properties)
        for statement in _statements(client, function)
    ]
    named = [pair for pair in statements if pair[1].get("Sid") == physical_id]
    function, found = only(named or [pair for pair in statements if _is(pair[1], properties)])
    return {"FunctionName": function, **_as_permission(found)}


def _statements(client: ClientFactory, function: str) -> list[dict[str, Any]]:
    answer = optional(client("lambda").get_policy, FunctionName=function)
    return list(json.loads(answer.get("Policy", "{}")).get("Statement", []))


def _as_permission(statement: Mapping[str, Any]) -> dict[str, Any]:
    condition = statement.get("Condition", {})
    principal = statement.get("Principal")
    arn = condition.get("ArnLike", {})
    return {
        "Action": statement.get("Action"),
        "Principal": only(principal.values()) if isinstance(principal, dict) else principal,
        "SourceAccount": condition.get("StringEquals", {}).get("AWS:SourceAccount"),
        "SourceArn": arn.get("AWS:SourceArn", arn.get("aws:SourceArn")),
    }


def _is(statement: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    found = _as_permission(statement)
    wanted = {key: properties[key] for key in ("Principal", "SourceArn") if key in properties}
    return bool(wanted) and all(found.get(key) == value for key, value in wanted.items())


def _version(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    name, version = physical_id.rsplit(":", 1)
    found = client("lambda").get_function_configuration(FunctionName=name, Qualifier=version)
    return {**listed(found, "Description", "Version"), "FunctionName": tail(name, ":")}


READERS: Mapping[str, Reader] = {
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::Permission": _permission,
    "AWS::Lambda::Version": _version,
}
