"""The package: its names, what loading them costs, and what is shared by an environment."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Match, Template

from cdk_vllm import constructs
from cdk_vllm.constructs import AlarmTopics, LogBucket, Network, ServiceLogs

if TYPE_CHECKING:
    import aws_cdk as cdk


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("VllmEcsService", "aws_cdk.aws_sagemaker"),
        ("VllmSageMakerEndpoint", "aws_cdk.aws_ecs"),
        ("ModelStore", "aws_cdk.aws_ec2"),
    ],
)
def test_a_name_loads_only_what_it_needs(name: str, absent: str) -> None:
    program = (
        f"import sys; from cdk_vllm.constructs import {name}; print({absent!r} in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert run.stdout.strip() == "False"


def test_a_wrong_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="VllmEcsServise"):
        _ = constructs.VllmEcsServise
    assert set(constructs.__all__) <= set(dir(constructs))


def test_a_network_has_as_many_zones_as_asked_for_without_an_account(stack: cdk.Stack) -> None:
    bucket = LogBucket(stack, "Logs").bucket
    network = Network(stack, "Network", log_bucket=bucket, zones_count=3, nat_gateways=2)
    assert len(network.vpc.private_subnets) == 3
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::EC2::NatGateway", 2)
    template.has_resource_properties(
        "AWS::EC2::FlowLog", {"ResourceType": "VPC", "TrafficType": "ALL"}
    )


def test_only_log_services_of_this_account_may_write_logs(stack: cdk.Stack) -> None:
    LogBucket(stack, "Logs")
    (policy,) = Template.from_stack(stack).find_resources("AWS::S3::BucketPolicy").values()
    writers = {
        statement["Principal"]["Service"]: str([statement["Resource"], statement.get("Condition")])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and statement["Action"] == "s3:PutObject"
    }
    assert set(writers) == {
        "delivery.logs.amazonaws.com",
        "logdelivery.elasticloadbalancing.amazonaws.com",
        "logging.s3.amazonaws.com",
    }
    assert all("AWS::AccountId" in where for where in writers.values())


def test_a_log_group_is_encrypted_with_a_key_that_logs_may_use(stack: cdk.Stack) -> None:
    logs = ServiceLogs(stack, "Logs", log_group_name="/vllm/chat")
    assert isinstance(logs.key, kms.Key)
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Logs::LogGroup",
        {"LogGroupName": "/vllm/chat", "RetentionInDays": 90, "KmsKeyId": Match.any_value()},
    )
    (key,) = template.find_resources("AWS::KMS::Key").values()
    assert ":log-group:/vllm/chat" in str(key["Properties"]["KeyPolicy"])


def test_two_topics_share_a_key_and_nobody_is_subscribed_unasked(stack: cdk.Stack) -> None:
    AlarmTopics(stack, "Alarms")
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::SNS::Topic", 2)
    template.resource_count_is("AWS::SNS::Subscription", 0)
    template.has_resource_properties("AWS::SNS::Topic", {"KmsMasterKeyId": Match.any_value()})
