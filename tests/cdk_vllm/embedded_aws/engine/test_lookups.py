from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.embedded_aws.engine.lookups import Lookups
from cdk_vllm.embedded_aws.engine.scope import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def lookups(client: Callable[[str], Any]) -> Lookups:
    client("ssm").put_parameter(Name="/a", Value="stored", Type="String")
    client("secretsmanager").create_secret(Name="s", SecretString='{"key": "hidden"}')
    return Lookups("123456789012", "us-east-1")


def test_dynamic_references_are_looked_up(lookups: Lookups) -> None:
    assert lookups.dynamic_value("ssm:/a") == "stored"
    assert lookups.dynamic_value("secretsmanager:s:SecretString:key") == "hidden"
    assert lookups.dynamic_value("secretsmanager:s") == '{"key": "hidden"}'


@pytest.mark.parametrize(
    "reference", ["ssm:/none", "secretsmanager:none", "secretsmanager:s:SecretString:no", "x:y"]
)
def test_a_reference_to_nothing_is_named(lookups: Lookups, reference: str) -> None:
    with pytest.raises(TemplateError, match=reference.split(":")[1]):
        lookups.dynamic_value(reference)


def test_a_region_has_its_own_zones(lookups: Lookups) -> None:
    assert lookups.zones("us-east-1") == [f"us-east-1{letter}" for letter in "abcdef"]
    assert lookups.zones("eu-west-1") == [f"eu-west-1{letter}" for letter in "abc"]
