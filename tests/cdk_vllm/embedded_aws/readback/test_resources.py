from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.embedded_aws.readback.comparison import WILDCARD
from cdk_vllm.embedded_aws.readback.resources import StackResources, read
from cdk_vllm.embedded_aws.readback.template import DeployedStack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def stack_of(client: Callable[[str], Any], resources: Mapping[str, Any]) -> StackResources:
    """Stand in for CloudFormation: its template and ids as given, the services as they are."""
    stack = DeployedStack(client, "one")
    ids = {name: r["Id"] for name, r in resources.items() if "Id" in r}
    vars(stack).update(body={"Resources": resources}, physical_ids=ids, parameters={})
    return StackResources(stack)


def role(client: Callable[[str], Any]) -> dict[str, Any]:
    client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    return {"Type": "AWS::IAM::Role", "Id": "r"}


def test_an_attribute_is_what_the_targets_own_service_says(client: Callable[[str], Any]) -> None:
    stack = stack_of(client, {"Role": role(client)})
    assert stack.attribute("Role", "Arn") == "arn:aws:iam::123456789012:role/r"
    assert stack.attribute("Role", "Unheard") == WILDCARD
    assert stack.attribute("Elsewhere", "Arn") == WILDCARD


def test_a_reference_without_a_physical_id_can_be_anything(client: Callable[[str], Any]) -> None:
    stack = stack_of(client, {"Role": role(client), "Lost": {"Type": "AWS::IAM::Role"}})
    assert (stack.reference("Role"), stack.reference("Lost")) == ("r", WILDCARD)
    assert stack.read("Lost") == (None, "has no physical id")


def test_pseudo_parameters(client: Callable[[str], Any]) -> None:
    stack = stack_of(client, {})
    names = ("AWS::AccountId", "AWS::Region", "AWS::Partition", "AWS::URLSuffix", "AWS::StackName")
    assert [stack.reference(name) for name in names] == [
        "123456789012",
        "us-east-1",
        "aws",
        "amazonaws.com",
        "one",
    ]
    assert stack.reference("AWS::NotificationARNs") == []


def test_a_circle_of_attributes_ends(client: Callable[[str], Any]) -> None:
    in_circle = {"Fn::GetAtt": ["Role", "Arn"]}
    stack = stack_of(client, {"Role": {**role(client), "Properties": {"Description": in_circle}}})
    assert stack.properties("Role") == {"Description": "arn:aws:iam::123456789012:role/r"}
    found, _ = stack.read("Role")
    assert found is not None


@pytest.mark.parametrize(
    ("kind", "physical_id", "why_not"),
    [
        ("AWS::Nothing::Here", "x", "has no reader"),
        ("AWS::IAM::Role", "nobody", "was not found as nobody (NoSuchEntity)"),
        ("AWS::ECS::Cluster", "none", "was not found as none"),
        ("AWS::Logs::SubscriptionFilter", "f", "was answered for f without 'LogGroupName'"),
        ("AWS::ApplicationAutoScaling::ScalableTarget", "x", "could not be read as x (ValueError)"),
    ],
)
def test_what_cannot_be_read_says_why(
    client: Callable[[str], Any], kind: str, physical_id: str, why_not: str
) -> None:
    assert read(client, kind, physical_id, {}) == (None, why_not)
