from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Stack = Callable[..., dict[str, Any]]


def parameter(value: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **more}}


def names(client: Client) -> set[str]:
    return {item["Name"] for item in client("ssm").describe_parameters()["Parameters"]}


def value(client: Client, name: str) -> str:
    return str(client("ssm").get_parameter(Name=name)["Parameter"]["Value"])


def test_an_update_changes_adds_and_removes(create: Stack, update: Stack, client: Client) -> None:
    create({"Resources": {"A": parameter("1", Name="a"), "B": parameter("1", Name="b")}})
    stack = update({"Resources": {"A": parameter("2", Name="a"), "C": parameter("1", Name="c")}})
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert value(client, "a") == "2"
    assert names(client) == {"a", "c"}


def test_a_change_reaches_what_depends_on_it(create: Stack, update: Stack, client: Client) -> None:
    dependent = parameter({"Fn::GetAtt": ["A", "Value"]}, Name="b")
    create({"Resources": {"A": parameter("1", Name="a"), "B": dependent}})
    update({"Resources": {"A": parameter("2", Name="a"), "B": dependent}})
    assert value(client, "b") == "2"


def test_a_new_name_replaces_and_the_old_one_goes(
    create: Stack, update: Stack, client: Client
) -> None:
    dependent = parameter({"Ref": "A"}, Name="b")
    create({"Resources": {"A": parameter("1", Name="old"), "B": dependent}})
    update({"Resources": {"A": parameter("1", Name="new"), "B": dependent}})
    assert names(client) == {"new", "b"}
    assert value(client, "b") == "new"


def test_a_failed_update_is_rolled_back(
    create: Stack,
    update: Stack,
    client: Client,
    told: Callable[..., list[tuple[str, str]]],
) -> None:
    create({"Resources": {"A": parameter("1", Name="a"), "Old": parameter("1", Name="old")}})
    bad = {**parameter("1", Name="aws-forbidden"), "DependsOn": ["A", "New"]}
    stack = update(
        {"Resources": {"A": parameter("2", Name="a"), "New": parameter("1", Name="n"), "Bad": bad}}
    )
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Bad" in stack["StackStatusReason"]
    assert names(client) == {"a", "old"}
    assert value(client, "a") == "1"
    assert ("Bad", "CREATE_FAILED") in told()
    again = update({"Resources": {"A": parameter("3", Name="a")}})
    assert again["StackStatus"] == "UPDATE_COMPLETE"
    assert value(client, "a") == "3"


def test_retained_resources_stay(create: Stack, update: Stack, client: Client) -> None:
    kept = {"DeletionPolicy": "Retain"}
    create(
        {
            "Resources": {
                "A": {**parameter("1", Name="a"), **kept},
                "B": {**parameter("1", Name="b"), **kept},
                "C": parameter("1", Name="c"),
            }
        }
    )
    update(
        {"Resources": {"B": {**parameter("1", Name="b"), **kept}, "C": parameter("1", Name="c")}}
    )
    assert names(client) == {"a", "b", "c"}
    client("cloudformation").delete_stack(StackName="app")
    assert names(client) == {"a", "b"}


def test_a_replaced_resource_may_be_retained(create: Stack, update: Stack, client: Client) -> None:
    kept = {"UpdateReplacePolicy": "Retain"}
    create({"Resources": {"A": {**parameter("1", Name="old"), **kept}}})
    update({"Resources": {"A": {**parameter("1", Name="new"), **kept}}})
    assert names(client) == {"old", "new"}


def test_a_deletion_that_is_refused_keeps_the_stack(create: Stack, client: Client) -> None:
    create(
        {
            "Resources": {
                "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "bucket-one"}}
            }
        }
    )
    client("s3").put_object(Bucket="bucket-one", Key="k", Body=b"x")
    client("cloudformation").delete_stack(StackName="app")
    (stack,) = client("cloudformation").describe_stacks(StackName="app")["Stacks"]
    assert stack["StackStatus"] == "DELETE_FAILED"
    assert "not empty" in stack["StackStatusReason"]
    client("s3").delete_object(Bucket="bucket-one", Key="k")
    client("cloudformation").delete_stack(StackName="app")
    assert not client("s3").list_buckets()["Buckets"]


def test_what_is_gone_already_is_no_obstacle(create: Stack, client: Client) -> None:
    create({"Resources": {"A": parameter("1", Name="a")}})
    client("ssm").delete_parameter(Name="a")
    client("cloudformation").delete_stack(StackName="app")
    assert not client("cloudformation").describe_stacks()["Stacks"]
