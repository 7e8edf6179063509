from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm.embedded_aws.readback.comparison import WILDCARD, Difference, differences

SCALARS = st.one_of(
    st.booleans(), st.integers(), st.text(st.characters(exclude_characters=WILDCARD), min_size=1)
)
NAMES = st.text("ABCDEFGHabcdefgh", min_size=2, max_size=6)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4)
)


def lowered(value: Any) -> Any:
    """Spell every name the way ECS does, and every scalar as text."""
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: lowered(item) for key, item in value.items()}
    if isinstance(value, list):
        return [lowered(item) for item in value]
    return json.dumps(value) if isinstance(value, bool | int) else value


@given(VALUES)
def test_a_value_agrees_with_itself(value: Any) -> None:
    assert differences(value, value) == []


@given(st.lists(SCALARS, min_size=1, max_size=5), st.randoms())
def test_the_order_of_a_set_does_not_matter(items: list[Any], random: Any) -> None:
    shuffled = random.sample(items, len(items))
    assert differences({"SecurityGroupIds": items}, {"SecurityGroupIds": shuffled}) == []


@given(st.lists(SCALARS, min_size=1, max_size=5), st.data())
def test_a_list_that_lost_or_gained_an_element_differs(
    items: list[Any], data: st.DataObject
) -> None:
    without = list(items)
    without.pop(data.draw(st.integers(0, len(items) - 1)))
    assert differences(items, without, ("AlarmActions",))
    assert differences(without, items, ("AlarmActions",))


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (5, "5"),
        ("5", 5),
        (0.5, "0.50"),
        (True, "true"),
        ("True", "true"),
        ("false", False),
        ("s3:GetObject", ["s3:GetObject"]),
        (["s3:GetObject"], "s3:GetObject"),
        ([], None),
        ({"ScanOnPush": True, "Tags": []}, {"scanOnPush": True}),
        ({"BuildSpec": "a"}, {"buildspec": "a"}),
        ({"a": 1}, '{"a": 1}'),
        ('{"a": [1, 2]}', '{ "a" : [2, 1] }'),
        ([{"Key": "a", "Value": "b"}], [{"Key": "a", "Value": "b", "PropagateAtLaunch": True}]),
        (f"arn:{WILDCARD}:x", "arn:anything:x"),
        (WILDCARD, ["one"]),
        ([WILDCARD], ["one"]),
    ],
)
def test_two_spellings_of_the_same_value_agree(expected: Any, found: Any) -> None:
    assert differences(expected, found, ("Property",)) == []


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (5, 6),
        (5, None),
        (False, None),
        (True, False),
        ("3.10", "3.1"),
        ("a", "A"),
        (WILDCARD, None),
        (WILDCARD, ""),
        (WILDCARD, "None"),
        (WILDCARD, []),
        (f"{WILDCARD}/path", "None/path"),
        (f"{WILDCARD}/path", "bucket/other"),
        ({"A": {"B": 1}}, {"A": {}}),
        ({"A": 1}, None),
        ([1, 1], [1, 2]),
    ],
)
def test_what_is_not_the_same_differs(expected: Any, found: Any) -> None:
    assert differences(expected, found, ("Property",))


def test_a_command_keeps_its_order() -> None:
    assert differences({"Command": ["a", "b"]}, {"command": ["b", "a"]})
    assert differences({"Command": ["a", "b"]}, {"command": ["a"]})
    assert differences({"Command": ["a", "b"]}, {"command": ["a", "b"]}) == []


def test_the_service_may_add_tags_of_its_own_but_not_lose_one() -> None:
    ours = {"Key": "Name", "Value": "x"}
    system = {"Key": "aws:cloudformation:stack-name", "Value": "s"}
    assert differences([ours], [system, ours], ("Tags",)) == []
    assert differences([ours], [system], ("Tags",)) == [Difference(("Tags", "[0]"), ours, None)]


def test_a_policy_statement_may_not_gain_a_condition() -> None:
    written = {"Statement": [{"Effect": "Deny", "Action": "s3:*"}]}
    read = {"Statement": [{"Effect": "Deny", "Action": ["s3:*"], "Condition": {"Bool": {}}}]}
    assert differences({"PolicyDocument": written}, {"PolicyDocument": read})
    assert differences({"Statement": written}, {"Statement": read}) == []


def test_an_environment_may_not_gain_a_variable() -> None:
    written, read = {"A": "1"}, {"A": "1", "B": "2"}
    assert differences(written, read, ("PrimaryContainer", "Environment"))
    assert differences(written, read, ("Containers[0]", "Environment"))
    assert differences(written, read, ("Environment", "Variables"))
    assert differences(written, read, ("Environment",)) == []


def test_wildcards_are_matched_to_elements_of_their_own() -> None:
    assert differences([WILDCARD, "a"], ["a", "b"], ("Subnets",)) == []
    assert differences([WILDCARD, WILDCARD], ["a"], ("Subnets",))


def test_a_difference_names_the_path_and_both_values() -> None:
    written = {"ContainerDefinitions": [{"Name": "vllm", "Memory": 2000}]}
    read = {"ContainerDefinitions": [{"name": "vllm", "memory": 1000}]}
    (difference,) = differences(written, read)
    assert str(difference) == "ContainerDefinitions[0].Memory should be 2000 but is 1000"
    assert str(Difference(("A",), f"x-{WILDCARD}", None)) == 'A should be "x-*" but is absent'


def test_a_long_value_is_cut_short() -> None:
    assert len(str(Difference(("A",), "x" * 9000, "y" * 9000))) < 400


def test_a_secret_is_never_shown() -> None:
    said = str(Difference(("SecretString",), "hunter2", "hunter3"))
    assert said == "SecretString should be (hidden) but is (hidden)"
