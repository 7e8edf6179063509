"""The words an error uses come from the schema itself, so they cannot drift from it."""

from __future__ import annotations

import re

from cdk_vllm.environment_errors import EXAMPLES, REVISION, allowed_keys
from cdk_vllm.environment_file import EnvironmentFile


def test_the_allowed_keys_are_those_of_the_table_the_mistake_is_in() -> None:
    assert allowed_keys(EnvironmentFile, ()) == [
        "region",
        "account",
        "network",
        "alarms",
        "metrics",
        "audit",
        "model_store",
        "services",
    ]
    assert allowed_keys(EnvironmentFile, ("services", "chat", "replicas")) == ["min", "max"]
    assert "model_config" in allowed_keys(EnvironmentFile, ("services", "chat"))


def test_every_example_has_the_form_it_explains() -> None:
    for pattern, example in EXAMPLES.items():
        if pattern == REVISION:
            continue  # its example is a sentence
        text = example.replace("<64 hexadecimal digits>", "0" * 64)
        text = text.replace("REGION", "us-east-1").replace("ACCOUNT", "123456789012")
        assert re.search(pattern, text), pattern
