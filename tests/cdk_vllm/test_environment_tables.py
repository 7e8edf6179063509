"""Each table below a service refuses what contradicts itself, in one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cdk_vllm import environment_tables as tables
from cdk_vllm.observability import AlarmThresholds

RESERVATION = {"capacity_reservation_id": "cr-0123456789abcdef0"}
WORKDAYS = {"cron": "cron(0 8 ? * MON-FRI *)", "min": 1, "max": 2}


@pytest.mark.parametrize(
    ("table", "given", "says"),
    [
        ("Network", {"isolated": True, "vpc_id": "vpc-0abc"}, "isolated is about a new VPC"),
        ("Network", {"isolated": True, "nat_gateways": 1}, "isolated has no NAT gateways"),
        (
            "Network",
            {"vpc_id": "vpc-0abc", "private_subnet_ids": ["subnet-0a"]},
            "give one zone per subnet",
        ),
        ("Alarms", {"slack_channel_id": "C0123456789"}, "need each other"),
        ("Replicas", {"min": 3, "max": 2}, "max is 2, below min 3"),
        ("Image", {"accept_advisories": ["CVE-1"]}, 'no advisory is called "CVE-1"'),
        ("Lora", {}, "there is no adapter"),
        ("Lora", {"mode": "dynamic", "max_lora_rank": 10}, "max_lora_rank is 10; vLLM takes 1, 8"),
        ("Lora", {"mode": "dynamic", "adapters": {"a": "0" * 12}}, "leave the table out"),
        ("Lora", {"adapters": {"a/..": "0" * 12}}, 'cannot be called "a/.."'),
        ("Lora", {"adapters": {"a": "main"}}, "12 hexadecimal digits"),
        ("Capacity", {"spot": True, "warm_instances": 1}, "no warm instances beside spot"),
        ("Capacity", {"spot": True, **RESERVATION}, "contradicts spot"),
        ("Capacity", {"capacity_block": True, **RESERVATION}, "needs capacity_reservation_id, and"),
        ("Capacity", {"subnet_id": "subnet-0a"}, "set capacity_block = true, or remove it"),
        ("Schedule", {**WORKDAYS, "timezone": "Europe/Berln"}, 'Did you mean "Europe/Berlin"'),
        ("Schedule", {**WORKDAYS, "min": 3}, "max is 2, below min 3"),
    ],
)
def test_a_contradiction_is_one_sentence(table: str, given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        getattr(tables, table)(**given)
    (error,) = caught.value.errors()
    assert says in error["msg"]


@pytest.mark.parametrize(
    ("table", "given"),
    [
        ("Network", {"isolated": True}),
        ("Lora", {"adapters": {"medical": "3f2a91c0d4e5"}}),
        ("Lora", {"mode": "dynamic"}),
        ("Capacity", {"capacity_block": True, "subnet_id": "subnet-0a", **RESERVATION}),
        ("Schedule", WORKDAYS),
    ],
)
def test_what_goes_together_is_taken(table: str, given: dict[str, Any]) -> None:
    assert getattr(tables, table)(**given).model_dump(exclude_unset=True).keys() == given.keys()


def test_every_threshold_can_be_set_and_its_default_is_the_library_s() -> None:
    assert AlarmThresholds(**tables.AlarmThresholds().model_dump()) == AlarmThresholds()


def test_the_version_of_vllm_is_read_from_the_tag() -> None:
    image = tables.Image(base_image="vllm/vllm-openai:v0.33.0-cu130")
    assert image.tagged_vllm_version == "0.33.0"
