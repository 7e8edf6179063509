"""Reads WAF back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _web_acl(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    name, identity, scope = physical_id.split("|")
    wafv2 = client("wafv2")
    shown = wafv2.get_web_acl(Name=name, Id=identity, Scope=scope)["WebACL"]
    tags = wafv2.list_tags_for_resource(ResourceARN=shown["ARN"])["TagInfoForResource"]
    return {
        **listed(
            shown,
            "Capacity",
            "CustomResponseBodies",
            "DefaultAction",
            "Description",
            "Id",
            "LabelNamespace",
            "Name",
            "Rules",
            "TokenDomains",
            "VisibilityConfig",
        ),
        "Arn": shown["ARN"],
        "Scope": "CLOUDFRONT" if ":global/" in shown["ARN"] else "REGIONAL",
        "Tags": tags["TagList"],
    }


def _association(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    guarded = physical_id.split("|", maxsplit=1)[0]
    shown = client("wafv2").get_web_acl_for_resource(ResourceArn=guarded).get("WebACL")
    if not shown:
        raise LookupError
    return {"ResourceArn": guarded, "WebACLArn": shown["ARN"]}


def _logging(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    answer = client("wafv2").get_logging_configuration(ResourceArn=physical_id)
    return listed(
        answer["LoggingConfiguration"],
        "LogDestinationConfigs",
        "LoggingFilter",
        "RedactedFields",
        "ResourceArn",
    )


READERS: Mapping[str, Reader] = {
    "AWS::WAFv2::LoggingConfiguration": _logging,
    "AWS::WAFv2::WebACL": _web_acl,
    "AWS::WAFv2::WebACLAssociation": _association,
}
