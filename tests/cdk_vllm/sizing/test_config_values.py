"""A config's keys, or a sentence that names the wrong one."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cdk_vllm.errors import InputError
from cdk_vllm.sizing.config_values import Config

TABLE = Config({"a": 3, "zero": 0, "yes": True, "half": 0.5, "list": [1, 2], "inner": {"b": -1}})


def test_values_are_read() -> None:
    assert TABLE.integer("missing", "a") == 3
    assert TABLE.integer("missing", default=7) == 7
    assert TABLE.integer("zero", least=0) == 0
    assert TABLE.optional("missing") is None
    assert TABLE.flag("yes")
    assert TABLE.number("half", 1.0) == 0.5
    assert TABLE.items("list", 2) == [1, 2]
    assert Config({"num_hidden_layers": 2}).layers() == 2


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: TABLE.integer("missing"), "missing must be a positive whole number, not None"),
        (lambda: TABLE.integer("yes"), "yes must be a positive whole number, not True"),
        (lambda: TABLE.integer("half"), "half must be a positive whole number, not 0.5"),
        (lambda: TABLE.integer("zero"), "zero must be a positive whole number, not 0"),
        (lambda: TABLE.flag("a"), "a must be true or false"),
        (lambda: TABLE.number("zero", 1.0), "zero must be a positive number"),
        (lambda: TABLE.items("list", 3), "list must be a list of 3 entries"),
        (lambda: TABLE.items("a"), "a must be a list, not 3"),
        (lambda: TABLE.table("a"), "a must be a table"),
        (
            lambda: Config({"b": -1}, "inner.").integer("b"),
            "inner.b must be a positive whole number",
        ),
        (lambda: Config({"num_hidden_layers": 1001}).layers(), "num_hidden_layers is 1001"),
    ],
)
def test_a_wrong_value_is_named(ask: Any, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        ask()
