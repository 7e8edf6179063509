"""What is read is plain data, which can be compared and has no surprises in it."""

from __future__ import annotations

from typing import get_args

from cdk_vllm.cli.check import STYLES
from cdk_vllm.preflight import Facts, Status, Unknown


def test_every_status_can_be_shown() -> None:
    assert set(STYLES) == set(get_args(Status))


def test_nothing_is_known_until_it_was_read() -> None:
    facts = Facts()
    assert [facts.quotas, facts.zones, facts.models, facts.images] == [{}, {}, {}, {}]
    assert Unknown("denied") == Unknown("denied") != Unknown("absent")
