from __future__ import annotations

import tomllib
from datetime import date
from typing import TYPE_CHECKING

import pytest

from tools.catalog_metrics import INSTRUMENTATOR, declared, scraped, table, written

if TYPE_CHECKING:
    from pathlib import Path

EXPOSITION = """\
# HELP vllm:num_requests_running Number of requests.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 1.0
# HELP vllm:iteration_tokens_total Histogram of tokens.
# TYPE vllm:iteration_tokens_total histogram
vllm:iteration_tokens_total_bucket{engine="0",le="1.0"} 0.0
# HELP vllm:request_success_total Count.
# TYPE vllm:request_success_total counter
vllm:request_success_total{finished_reason="stop"} 2.0
# HELP vllm:request_success_created Count.
# TYPE vllm:request_success_created gauge
vllm:request_success_created{finished_reason="stop"} 1.7e+09
# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{handler="/v1",status="2xx"} 2.0
# HELP python_info Python.
# TYPE python_info gauge
python_info{version="3"} 1.0
"""
SOURCE = """\
class Logger:
    def __init__(self):
        self._gauge_cls(name="vllm:num_requests_running", documentation="Number.")
        self._counter_cls(name="vllm:request_success", documentation="Count" " of all.")
        if self.optional:
            self._counter_cls(name="vllm:corrupted_requests")
        other(name="vllm:not_a_metric")
"""


def test_a_scrape_is_read_by_family() -> None:
    found = scraped(EXPOSITION)
    assert found["vllm:num_requests_running"] == {
        "kind": "gauge",
        "labels": ["engine", "model_name"],
        "help": "Number of requests.",
    }
    assert {name: family["kind"] for name, family in found.items()} == {
        "vllm:num_requests_running": "gauge",
        "vllm:iteration_tokens_total": "histogram",
        "vllm:request_success": "counter",
        "http_requests": "counter",
    }


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for path, text in (
        ("v1/metrics/loggers.py", SOURCE),
        (INSTRUMENTATOR, "Instrumentator().instrument(app)"),
    ):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text, "utf-8")
    return tmp_path


def test_what_is_declared_without_conditions_is_there(package: Path) -> None:
    found = declared(package)
    assert set(found) == {"vllm:num_requests_running", "vllm:request_success", "http_requests"}
    assert found["vllm:request_success"]["help"] == "Count of all."


def test_a_row_holds_its_versions(package: Path) -> None:
    rows = table({"1": scraped(EXPOSITION), "2": declared(package)})
    assert rows["vllm:request_success"]["versions"] == ["1", "2"]
    assert rows["vllm:iteration_tokens_total"]["versions"] == ["1"]


def test_a_kind_that_changed_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="is a gauge and a counter"):
        table({"1": {"m": {"kind": "gauge"}}, "2": {"m": {"kind": "counter"}}})


def test_the_file_says_what_was_read_and_when(package: Path, tmp_path: Path) -> None:
    scrape = tmp_path / "scrape.txt"
    scrape.write_text(EXPOSITION, "utf-8")
    text = written([f"1={scrape}", f"2={package}"], date(2026, 11, 21))
    found = tomllib.loads(text)
    assert found["as_of"] == "2026-11-21"
    assert found["source"]
    assert list(found["versions"]) == ["1", "2"]
    assert found["metrics"]["vllm:request_success"]["versions"] == ["1", "2"]
