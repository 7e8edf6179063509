from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Stack = Callable[..., dict[str, Any]]


def exporting(value: str, name: str = "shared") -> dict[str, Any]:
    properties = {"Type": "String", "Value": "x", "Name": f"of-{value}"}
    return {
        "Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": properties}},
        "Outputs": {"Out": {"Value": {"Ref": "P"}, "Export": {"Name": name}}},
    }


def importing() -> dict[str, Any]:
    properties = {"Type": "String", "Value": {"Fn::ImportValue": "shared"}, "Name": "imported"}
    return {"Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": properties}}}


def test_an_import_has_the_exported_value(create: Stack, client: Client) -> None:
    create(exporting("one"), "first")
    create(importing(), "second")
    assert client("ssm").get_parameter(Name="imported")["Parameter"]["Value"] == "of-one"
    assert client("cloudformation").list_imports(ExportName="shared")["Imports"] == ["second"]


def test_an_import_of_nothing_fails_by_name(create: Stack) -> None:
    assert "No export named shared found" in create(importing())["StackStatusReason"]


def test_an_export_in_use_cannot_change(create: Stack, update: Stack, client: Client) -> None:
    create(exporting("one"), "first")
    create(importing(), "second")
    stack = update(exporting("two"), "first")
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    reason = "Export shared cannot be updated as it is in use by second"
    assert reason in stack["StackStatusReason"]
    (export,) = client("cloudformation").list_exports()["Exports"]
    assert export["Value"] == "of-one"
    assert update(exporting("one", "other"), "first")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_an_export_in_use_cannot_go(create: Stack, client: Client) -> None:
    create(exporting("one"), "first")
    create(importing(), "second")
    cloudformation = client("cloudformation")
    cloudformation.delete_stack(StackName="first")
    (stack,) = cloudformation.describe_stacks(StackName="first")["Stacks"]
    assert stack["StackStatus"] == "DELETE_FAILED"
    reason = "Export shared cannot be deleted as it is in use by second"
    assert reason in stack["StackStatusReason"]
    cloudformation.delete_stack(StackName="second")
    cloudformation.delete_stack(StackName="first")
    assert not cloudformation.list_exports()["Exports"]


def test_an_export_that_nobody_uses_may_change(create: Stack, update: Stack) -> None:
    create(exporting("one"), "first")
    assert update(exporting("two"), "first")["StackStatus"] == "UPDATE_COMPLETE"


def test_a_name_is_exported_once(create: Stack) -> None:
    create(exporting("one"), "first")
    stack = create(exporting("two"), "second")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "already exported" in stack["StackStatusReason"]


def test_a_stack_that_imports_nothing_has_no_importers(client: Client, create: Stack) -> None:
    create(exporting("one"), "first")
    with pytest.raises(ClientError, match="not imported"):
        client("cloudformation").list_imports(ExportName="shared")
