from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any


@pytest.fixture
def logs(client: Client) -> Any:
    client("logs").create_log_group(logGroupName="/vllm/chat", tags={"a": "b"})
    client("logs").create_log_group(logGroupName="/vllm/chat-old")
    return client("logs")


def test_log_group(logs: Any, client: Client, wrong: Wrong) -> None:
    written = {
        "LogGroupName": "/vllm/chat",
        "RetentionInDays": 30,
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    assert wrong("Logs::LogGroup", "/vllm/chat", written) == [
        "RetentionInDays should be 30 but is absent"
    ]
    logs.put_retention_policy(logGroupName="/vllm/chat", retentionInDays=30)
    assert wrong("Logs::LogGroup", "/vllm/chat", written) == []
    assert not exists(client, "AWS::Logs::LogGroup", "/vllm")


def test_metric_filter(logs: Any, client: Client, wrong: Wrong) -> None:
    transformation = {"metricName": "E", "metricNamespace": "vllm", "metricValue": "1"}
    logs.put_metric_filter(
        filterName="errors",
        filterPattern="ERROR",
        logGroupName="/vllm/chat",
        metricTransformations=[transformation],
    )
    written = {
        "FilterPattern": "ERROR",
        "LogGroupName": "/vllm/chat",
        "MetricTransformations": [
            {"MetricName": "E", "MetricNamespace": "vllm", "MetricValue": "1"}
        ],
    }
    assert wrong("Logs::MetricFilter", "errors", written) == []
    assert not exists(client, "AWS::Logs::MetricFilter", "err")


def test_subscription_filter(logs: Any, client: Client, wrong: Wrong) -> None:
    client("logs").create_log_group(logGroupName="/vllm/copy")
    stream = client("kinesis")
    stream.create_stream(StreamName="copy", ShardCount=1)
    arn = stream.describe_stream(StreamName="copy")["StreamDescription"]["StreamARN"]
    written = {"DestinationArn": arn, "FilterPattern": "ERROR", "LogGroupName": "/vllm/chat"}
    kind = "AWS::Logs::SubscriptionFilter"
    assert not exists(client, kind, "copy", written)
    logs.put_subscription_filter(
        destinationArn=arn, filterName="copy", filterPattern="ERROR", logGroupName="/vllm/chat"
    )
    assert wrong("Logs::SubscriptionFilter", "copy", written) == []


@pytest.mark.usefixtures("logs")
def test_resource_policy(client: Client, wrong: Wrong) -> None:
    document = '{"Version": "2012-10-17", "Statement": []}'
    client("logs").put_resource_policy(policyName="p", policyDocument=document)
    written = {"PolicyDocument": document, "PolicyName": "p"}
    assert wrong("Logs::ResourcePolicy", "p", written) == []
    assert not exists(client, "AWS::Logs::ResourcePolicy", "q")
