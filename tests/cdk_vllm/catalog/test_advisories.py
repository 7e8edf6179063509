"""Advisories against vLLM."""

from __future__ import annotations

import pytest

from cdk_vllm import catalog


@pytest.mark.parametrize(
    ("version", "count"),
    [("0.33.0", 0), ("0.34.1", 0), ("0.32.0", 1), ("0.33.0rc1", 1), ("v0.31.2", 2), ("0.8.4", 12)],
)
def test_a_version_has_the_flaws_that_later_ones_fix(version: str, count: int) -> None:
    assert len(catalog.open_advisories(version)) == count


def test_an_advisory_is_accepted_by_any_of_its_ids() -> None:
    assert catalog.open_advisories("0.31.0", frozenset({"PYSEC-2026-4349"})) == (
        catalog.advisories()[-1],
    )


def test_each_id_stands_once_and_they_are_in_the_order_of_their_fixes() -> None:
    ids = [name for advisory in catalog.advisories() for name in advisory.ids]
    assert len(ids) == len(set(ids))
    fixes = [tuple(map(int, advisory.fixed_in.split("."))) for advisory in catalog.advisories()]
    assert fixes == sorted(fixes)
