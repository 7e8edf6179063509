from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]

NAME = "cdk-deploy-change-set"


def parameter(value: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **more}}


def template(value: str, **more: Any) -> dict[str, Any]:
    return {"Resources": {"P": parameter(value, Name="p")}, **more}


def prepare(
    client: Client, kind: str, body: dict[str, Any], stack: str = "app", **more: Any
) -> dict[str, Any]:
    cloudformation = client("cloudformation")
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=NAME,
        ChangeSetType=kind,
        TemplateBody=json.dumps(body),
        **more,
    )
    described: dict[str, Any] = cloudformation.describe_change_set(
        StackName=stack, ChangeSetName=NAME
    )
    return described


def execute(client: Client, stack: str = "app", **more: Any) -> dict[str, Any]:
    cloudformation = client("cloudformation")
    cloudformation.execute_change_set(StackName=stack, ChangeSetName=NAME, **more)
    cloudformation.delete_change_set(StackName=stack, ChangeSetName=NAME)
    described: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return described


def test_a_change_set_lists_and_makes_the_changes(client: Client) -> None:
    prepared = prepare(client, "CREATE", template("1"))
    change = prepared["Changes"][0]["ResourceChange"]
    assert (change["Action"], change["LogicalResourceId"]) == ("Add", "P")
    stack = execute(client)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {"Outputs": {"Value": {"Value": {"Fn::GetAtt": ["P", "Value"]}}}}
    prepared = prepare(client, "UPDATE", template("2", **outputs))
    assert prepared["Changes"][0]["ResourceChange"]["Action"] == "Modify"
    stack = execute(client)
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert stack["Outputs"][0]["OutputValue"] == "2"


def test_stacks_may_have_change_sets_of_the_same_name(client: Client) -> None:
    prepare(client, "CREATE", {"Resources": {"P": parameter("1", Name="one")}}, "first")
    prepare(client, "CREATE", {"Resources": {"P": parameter("2", Name="two")}}, "second")
    execute(client, "first")
    assert [p["Name"] for p in client("ssm").describe_parameters()["Parameters"]] == ["one"]
    listed = client("cloudformation").list_change_sets(StackName="second")["Summaries"]
    assert len(listed) == 1


def test_the_same_template_again_changes_nothing(client: Client) -> None:
    prepare(client, "CREATE", template("1"))
    execute(client)
    prepared = prepare(client, "UPDATE", template("1"))
    assert prepared["Status"] == "FAILED"
    assert "didn't contain changes" in prepared["StatusReason"]
    with pytest.raises(ClientError, match="UNAVAILABLE"):
        execute(client)


def test_the_previous_value_of_a_parameter_is_its_path(client: Client) -> None:
    client("ssm").put_parameter(Name="/ami", Value="ami-1", Type="String")
    declared = {"Ami": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/ami"}}
    body = template({"Ref": "Ami"}, Parameters=declared)  # type: ignore[arg-type]
    prepare(client, "CREATE", body)
    execute(client)
    assert client("ssm").get_parameter(Name="p")["Parameter"]["Value"] == "ami-1"
    again = [{"ParameterKey": "Ami", "UsePreviousValue": True}]
    assert prepare(client, "UPDATE", body, Parameters=again)["Status"] == "FAILED"
    client("ssm").put_parameter(Name="/ami", Value="ami-2", Type="String", Overwrite=True)
    prepared = prepare(client, "UPDATE", body, Parameters=again)
    assert prepared["Status"] == "CREATE_COMPLETE"
    execute(client)
    assert client("ssm").get_parameter(Name="p")["Parameter"]["Value"] == "ami-2"


def test_a_missing_change_set_is_said_to_be_missing(client: Client) -> None:
    prepare(client, "CREATE", template("1"))
    cloudformation = client("cloudformation")
    cloudformation.delete_change_set(StackName="app", ChangeSetName=NAME)
    cloudformation.delete_change_set(StackName="app", ChangeSetName=NAME)
    with pytest.raises(cloudformation.exceptions.ChangeSetNotFoundException):
        cloudformation.describe_change_set(StackName="app", ChangeSetName=NAME)


def test_a_failure_may_be_left_as_it_is(client: Client) -> None:
    bad = {**parameter("1", Name="aws-bad"), "DependsOn": "P"}
    body = {"Resources": {"P": parameter("1", Name="p"), "Bad": bad}}
    prepare(client, "CREATE", body)
    stack = execute(client, DisableRollback=True)
    assert stack["StackStatus"] == "CREATE_FAILED"
    assert [p["Name"] for p in client("ssm").describe_parameters()["Parameters"]] == ["p"]


def test_a_wrong_template_leaves_no_stack(client: Client) -> None:
    with pytest.raises(ClientError, match="Unrecognized resource types"):
        prepare(client, "CREATE", {"Resources": {"X": {"Type": "AWS::Nowhere::Thing"}}})
    assert not client("cloudformation").describe_stacks()["Stacks"]
