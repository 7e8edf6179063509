from __future__ import annotations

from typing import Any

from cdk_vllm.embedded_aws.resource_types.resource import Place, Resource, pairs


class Named(Resource):
    type_name = "AWS::Test::Named"
    name_property = "Name"
    name_limit = 20
    name_lower = True
    fixed = frozenset({"Kind"})

    def update(self, properties: dict[str, Any]) -> None:
        """Change in place."""


class Replaced(Resource):
    type_name = "AWS::Test::Replaced"


def place(logical_id: str = "Mine") -> Place:
    return Place("123456789012", "us-east-1", "arn:stack", "Stack", logical_id, "AWS::Test::Named")


def test_a_name_is_made_once_within_the_limit() -> None:
    resource = Named(place("AVeryLongLogicalIdIndeed"))
    first = resource.completed({}, fresh=True)
    assert len(first["Name"]) == 20
    assert first["Name"] == first["Name"].lower()
    resource.properties = first
    assert resource.completed({}, fresh=False) == first
    assert resource.completed({}, fresh=True) != first
    assert resource.completed({"Name": "given"}, fresh=False) == {"Name": "given"}


def test_a_fixed_property_or_a_new_name_needs_a_new_resource() -> None:
    resource = Named(place())
    resource.properties = {"Name": "a", "Kind": "x", "Size": 1}
    assert not resource.must_replace({"Name": "a", "Kind": "x", "Size": 2})
    assert resource.must_replace({"Name": "b", "Kind": "x", "Size": 1})
    assert resource.must_replace({"Name": "a", "Kind": "y", "Size": 1})
    assert resource.must_replace({"Name": "a", "Size": 1})


def test_a_type_without_an_update_is_replaced() -> None:
    assert Replaced(place()).must_replace({})


def test_an_arn_names_region_and_account() -> None:
    assert place().arn("kms", "key/1") == "arn:aws:kms:us-east-1:123456789012:key/1"
    assert place().arn("iam", "role/r", region="") == "arn:aws:iam::123456789012:role/r"


def test_tags_are_pairs() -> None:
    assert pairs([{"Key": "a", "Value": 1}]) == {"a": "1"}
    assert pairs({"a": 1}) == {"a": "1"}
    assert pairs(None) == {}
