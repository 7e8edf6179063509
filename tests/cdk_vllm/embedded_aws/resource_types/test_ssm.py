from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def resources(value: str) -> dict[str, Any]:
    properties = {"Type": "String", "Value": value, "Tags": {"team": "ml"}}
    return {"Mine": {"Type": "AWS::SSM::Parameter", "Properties": properties}}


def test_a_parameter_without_a_name_is_read_and_changes(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    ssm, ids = client("ssm"), deployed(**resources("one"))
    assert ids["Mine"].startswith("app-Mine-")
    assert ssm.get_parameter(Name=ids["Mine"])["Parameter"]["Value"] == "one"
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=ids["Mine"])["TagList"]
    assert {"Key": "team", "Value": "ml"} in tags
    assert deployed(**resources("two")) == ids
    assert ssm.get_parameter(Name=ids["Mine"])["Parameter"]["Value"] == "two"
    destroyed()
    assert not ssm.describe_parameters()["Parameters"]
