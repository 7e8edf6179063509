"""A deployed stack's outputs and resources."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from cdk_vllm.embedded_aws import install
from cdk_vllm.errors import InputError
from cdk_vllm.live.stacks import deployed_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATE = {
    "Resources": {
        "One": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "one"}},
        "Two": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "two"}},
    },
    "Outputs": {"BaseUrl": {"Value": "http://alb/v1"}},
}


@pytest.fixture
def client() -> Iterator[Any]:
    install()
    with mock_aws():
        make: Any = boto3.client
        yield lambda service: make(
            service,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )


def test_outputs_and_resources_are_read(client: Any) -> None:
    client("cloudformation").create_stack(StackName="dev-chat", TemplateBody=json.dumps(TEMPLATE))
    stack = deployed_stack(client, "dev", "chat")
    assert (stack.name, stack.status) == ("dev-chat", "CREATE_COMPLETE")
    assert stack.output("BaseUrl") == "http://alb/v1"
    assert len(stack.physical_ids["AWS::SNS::Topic"]) == 2
    assert stack.only("AWS::SNS::Topic").endswith(":one")
    assert stack.only("AWS::SageMaker::Endpoint") == ""
    with pytest.raises(InputError, match="no output EndpointName"):
        stack.output("EndpointName")


def test_a_stack_that_is_not_there_says_how_to_deploy_it(client: Any) -> None:
    with pytest.raises(InputError, match=r"dev-chat does not exist.*cdk deploy 'dev/\*'"):
        deployed_stack(client, "dev", "chat")
