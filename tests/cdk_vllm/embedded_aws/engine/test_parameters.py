from __future__ import annotations

import pytest

from cdk_vllm.embedded_aws.engine.parameters import given_or_default, seen_by_template
from cdk_vllm.embedded_aws.engine.scope import TemplateError

TEMPLATE = {
    "Parameters": {
        "Plain": {"Type": "String", "Default": "d", "AllowedValues": ["d", "e"]},
        "Path": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/path"},
        "Paths": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/list"},
        "List": {"Type": "CommaDelimitedList", "Default": "a, b"},
        "Number": {"Type": "Number", "Default": 3},
    }
}


def test_a_template_sees_what_is_stored_and_keeps_what_was_given() -> None:
    values = given_or_default(TEMPLATE, {"Plain": "e"})
    assert values == {"Plain": "e", "Path": "/path", "Paths": "/list", "List": "a, b", "Number": 3}
    stored = {"/path": "ami-1", "/list": "x,y"}
    assert seen_by_template(TEMPLATE, values, stored.__getitem__) == {
        "Plain": "e",
        "Path": "ami-1",
        "Paths": ["x", "y"],
        "List": ["a", "b"],
        "Number": "3",
    }


def test_a_parameter_without_a_value_is_named() -> None:
    with pytest.raises(TemplateError, match="Needed"):
        given_or_default({"Parameters": {"Needed": {"Type": "String"}}}, {})


def test_a_value_that_is_not_allowed_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"Plain.*d, e"):
        given_or_default(TEMPLATE, {"Plain": "f"})
