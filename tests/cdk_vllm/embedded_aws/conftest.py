from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from cdk_vllm.embedded_aws import install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Client = Callable[[str], Any]
    Deploy = Callable[..., dict[str, Any]]


@cache
def _client(service: str) -> Any:
    """Making a client takes longer than most tests do, and it holds nothing of them."""
    make: Any = boto3.client
    return make(
        service,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


@pytest.fixture
def client() -> Iterator[Client]:
    """Give clients of an empty embedded AWS inside the process."""
    install()
    with mock_aws():
        yield _client


@pytest.fixture
def create(client: Client) -> Deploy:
    """Create a stack and return what DescribeStacks says of it."""

    def create(template: dict[str, Any], name: str = "app", **options: Any) -> dict[str, Any]:
        cloudformation = client("cloudformation")
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), **options)
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return stack

    return create


@pytest.fixture
def update(client: Client) -> Deploy:
    """Update a stack and return what DescribeStacks says of it."""

    def update(template: dict[str, Any], name: str = "app", **options: Any) -> dict[str, Any]:
        cloudformation = client("cloudformation")
        cloudformation.update_stack(StackName=name, TemplateBody=json.dumps(template), **options)
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return stack

    return update


@pytest.fixture
def told(client: Client) -> Callable[..., list[tuple[str, str]]]:
    """Return a stack's events as logical id and status, oldest first."""

    def told(name: str = "app") -> list[tuple[str, str]]:
        events = client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
        return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in events[::-1]]

    return told


@pytest.fixture
def deployed(create: Deploy, update: Deploy, client: Client) -> Callable[..., dict[str, str]]:
    """Create or update the stack "app" of these resources and return their physical ids."""

    def deployed(**resources: Any) -> dict[str, str]:
        cloudformation = client("cloudformation")
        there = cloudformation.describe_stacks()["Stacks"]
        stack = (update if there else create)({"Resources": resources})
        done = "UPDATE_COMPLETE" if there else "CREATE_COMPLETE"
        assert stack["StackStatus"] == done, stack.get("StackStatusReason")
        listed = cloudformation.describe_stack_resources(StackName="app")["StackResources"]
        return {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in listed}

    return deployed


@pytest.fixture
def destroyed(client: Client) -> Callable[[], None]:
    """Delete the stack "app" and see that it went."""

    def destroyed() -> None:
        client("cloudformation").delete_stack(StackName="app")
        left = client("cloudformation").describe_stacks()["Stacks"]
        assert not left, left[0].get("StackStatusReason")

    return destroyed
