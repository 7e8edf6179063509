from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cdk_vllm.embedded_aws import resource_types

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Stack = Callable[..., dict[str, Any]]


def parameter(value: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **more}}


def test_outputs_and_references_resolve(create: Stack) -> None:
    stack = create(
        {
            "Resources": {
                "First": parameter("one", Name="first"),
                "Second": parameter("two", Description={"Ref": "First"}),
            },
            "Outputs": {
                "Name": {"Value": {"Ref": "First"}, "Description": "its name"},
                "Arn": {"Value": {"Fn::GetAtt": ["First", "Arn"]}},
            },
        }
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]} == {
        "Name": "first",
        "Arn": "arn:aws:ssm:us-east-1:123456789012:parameter/first",
    }


def test_a_type_that_nothing_serves_is_refused_by_name(create: Stack, client: Client) -> None:
    template = {"Resources": {"Mine": {"Type": "AWS::Nowhere::Thing"}, "P": parameter("x")}}
    with pytest.raises(ClientError, match=r"AWS::Nowhere::Thing \(Mine\)"):
        create(template)
    assert not client("cloudformation").describe_stacks()["Stacks"]
    assert not client("ssm").describe_parameters()["Parameters"]


def test_an_unregistered_type_is_refused_by_name(create: Stack) -> None:
    template = {"Resources": {"Mine": parameter("x")}}
    with (
        resource_types.unregister("AWS::SSM::Parameter"),
        pytest.raises(ClientError, match=r"AWS::SSM::Parameter \(Mine\)"),
    ):
        create(template)
    assert create(template)["StackStatus"] == "CREATE_COMPLETE"


def test_an_empty_shell_is_accepted_and_creates_nothing(create: Stack, client: Client) -> None:
    with resource_types.empty_shell("AWS::SSM::Parameter"):
        stack = create({"Resources": {"Mine": parameter("x")}})
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert not client("ssm").describe_parameters()["Parameters"]


@pytest.mark.parametrize(
    "value",
    [{"Ref": "Gone"}, {"Fn::GetAtt": ["Gone", "Arn"]}, {"Fn::Sub": "${Gone}"}],
)
def test_a_reference_to_nothing_is_refused_by_name(create: Stack, value: Any) -> None:
    with pytest.raises(ClientError, match=r"\['Gone'\].*\(resource Mine\)"):
        create({"Resources": {"Mine": parameter(value)}})


def test_an_attribute_that_does_not_exist_fails_the_stack_by_name(create: Stack) -> None:
    value = {"Fn::GetAtt": ["First", "Colour"]}
    stack = create({"Resources": {"First": parameter("one"), "Second": parameter(value)}})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "resource First" in stack["StackStatusReason"]
    assert "Colour" in stack["StackStatusReason"]


def test_a_circle_is_refused(create: Stack) -> None:
    resources = {"A": parameter({"Ref": "B"}), "B": parameter({"Ref": "A"})}
    with pytest.raises(ClientError, match=r"Circular dependency.*\[A, B\]"):
        create({"Resources": resources})


def test_a_resource_whose_condition_is_false_is_left_out(create: Stack, client: Client) -> None:
    create(
        {
            "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
            "Resources": {
                "Yes": parameter("x", Name="yes"),
                "No": {**parameter("x", Name="no"), "Condition": "Never"},
                "Odd": {"Type": "AWS::Nowhere::Thing", "Condition": "Never"},
            },
            "Outputs": {"Out": {"Value": {"Ref": "No"}, "Condition": "Never"}},
        }
    )
    assert [p["Name"] for p in client("ssm").describe_parameters()["Parameters"]] == ["yes"]


def test_a_failed_creation_is_rolled_back_and_says_why(
    create: Stack, client: Client, told: Callable[..., list[tuple[str, str]]]
) -> None:
    stack = create(
        {
            "Resources": {
                "Good": parameter("x", Name="good"),
                "Bad": {**parameter("y", Name="aws-forbidden"), "DependsOn": "Good"},
            }
        }
    )
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "[Bad]. AWS::SSM::Parameter" in stack["StackStatusReason"]
    assert not client("ssm").describe_parameters()["Parameters"]
    assert told() == [
        ("app", "CREATE_IN_PROGRESS"),
        ("Good", "CREATE_IN_PROGRESS"),
        ("Good", "CREATE_COMPLETE"),
        ("Bad", "CREATE_IN_PROGRESS"),
        ("Bad", "CREATE_FAILED"),
        ("app", "ROLLBACK_IN_PROGRESS"),
        ("Good", "DELETE_IN_PROGRESS"),
        ("Good", "DELETE_COMPLETE"),
        ("app", "ROLLBACK_COMPLETE"),
    ]


def test_deleting_removes_resources_last_made_first(
    create: Stack, client: Client, told: Callable[..., list[tuple[str, str]]]
) -> None:
    first, second = parameter("x", Name="one"), parameter({"Ref": "First"}, Name="two")
    stack = create({"Resources": {"Second": second, "First": first}})
    client("cloudformation").delete_stack(StackName="app")
    assert not client("ssm").describe_parameters()["Parameters"]
    deleted = [name for name, status in told(stack["StackId"]) if status == "DELETE_COMPLETE"]
    assert deleted == ["Second", "First", "app"]


def test_a_protected_stack_is_not_deleted(create: Stack, client: Client) -> None:
    create({"Resources": {"Mine": parameter("x")}}, EnableTerminationProtection=True)
    cloudformation = client("cloudformation")
    with pytest.raises(ClientError, match="TerminationProtection"):
        cloudformation.delete_stack(StackName="app")
    cloudformation.update_termination_protection(StackName="app", EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName="app")
    assert not client("ssm").describe_parameters()["Parameters"]


def test_stack_resources_have_their_physical_ids(create: Stack, client: Client) -> None:
    create({"Resources": {"Mine": parameter("x", Name="mine")}})
    cloudformation = client("cloudformation")
    (listed,) = cloudformation.describe_stack_resources(StackName="app")["StackResources"]
    assert (listed["LogicalResourceId"], listed["PhysicalResourceId"]) == ("Mine", "mine")
    body = cloudformation.get_template(StackName="app")["TemplateBody"]
    assert json.loads(json.dumps(body))["Resources"].keys() == {"Mine"}
