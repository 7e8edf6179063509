"""The accuracy that docs/sizing.md states, on every public log at hand."""

from __future__ import annotations

import doctest
from statistics import median
from typing import TYPE_CHECKING

from tools import accuracy

if TYPE_CHECKING:
    import pytest

POINTS = [point for point in map(accuracy.compare, accuracy.points()) if point is not None]
# Logs of platforms or options that the rules do not count: ROCm pads its matrices, and an engine of
# someone's own held adapters beside 4-bit weights.
ELSEWHERE = ("google/gemma-3-27b-it on 1 x MI300X", "microsoft/phi-4 (bitsandbytes")


def test_all_logs_whose_model_is_known_are_compared() -> None:
    assert len(accuracy.points()) == 46
    assert len(POINTS) >= 30


def test_weights() -> None:
    errors = {point.name: accuracy.relative(point.weights, 1) for point in POINTS if point.weights}
    assert len(errors) >= 20
    assert sum(error <= 0.005 for error in errors.values()) >= 0.8 * len(errors)
    assert median(errors.values()) <= 0.001
    assert {name for name, error in errors.items() if error > 0.005} == {
        name for name in errors if name.startswith(ELSEWHERE)
    }


def test_tokens_of_a_given_pool() -> None:
    errors = [accuracy.relative(point.tokens, 1) for point in POINTS if point.tokens]
    assert len(errors) >= 15
    assert max(errors) <= 0.005


def test_the_pool_of_a_whole_budget() -> None:
    pools = [point.pool for point in POINTS if point.pool and not point.fitted]
    assert len(pools) >= 10
    assert median(abs(pair[1] - pair[0]) for pair in pools) <= 0.2


def test_nothing_fits_that_vllm_refused() -> None:
    refused = [point.refused for point in POINTS if point.refused and point.refused[0]]
    assert refused
    assert all(said for _, said in refused)


def test_the_older_formulas_are_far_off() -> None:
    tokens = [accuracy.relative(point.tokens, 2) for point in POINTS if point.tokens]
    assert median(tokens) > 0.5


def test_the_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    accuracy.main([])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert "weights on one rank" in lines[2]


def test_the_document_holds_the_table() -> None:
    text = accuracy.DOCUMENT.read_text("utf-8")
    assert accuracy.with_table(text, accuracy.table(POINTS)) == text


def test_the_documents_example_runs() -> None:
    found = doctest.testfile(str(accuracy.DOCUMENT), module_relative=False, encoding="utf-8")
    assert found.attempted >= 10
    assert found.failed == 0
