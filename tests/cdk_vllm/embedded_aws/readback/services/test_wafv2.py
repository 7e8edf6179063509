from __future__ import annotations

from typing import Any

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any

VISIBILITY = {
    "CloudWatchMetricsEnabled": True,
    "MetricName": "all",
    "SampledRequestsEnabled": False,
}


def test_web_acl_and_its_log(client: Client, wrong: Wrong) -> None:
    wafv2 = client("wafv2")
    written = {
        "Name": "guard",
        "Scope": "REGIONAL",
        "DefaultAction": {"Allow": {}},
        "VisibilityConfig": VISIBILITY,
        "Rules": [],
        "Tags": [{"Key": "team", "Value": "ml"}],
    }
    summary = wafv2.create_web_acl(**written)["Summary"]
    physical_id = f"guard|{summary['Id']}|REGIONAL"
    assert wrong("WAFv2::WebACL", physical_id, written) == []
    assert wrong("WAFv2::WebACL", physical_id, {**written, "Name": "other"})
    logging = {
        "ResourceArn": summary["ARN"],
        "LogDestinationConfigs": [
            "arn:aws:logs:us-east-1:123456789012:log-group:aws-waf-logs-guard"
        ],
        "RedactedFields": [{"SingleHeader": {"Name": "authorization"}}],
    }
    assert not exists(client, "AWS::WAFv2::LoggingConfiguration", summary["ARN"])
    wafv2.put_logging_configuration(LoggingConfiguration=logging)
    assert wrong("WAFv2::LoggingConfiguration", summary["ARN"], logging) == []
    assert wrong("WAFv2::LoggingConfiguration", summary["ARN"], {**logging, "RedactedFields": []})
