"""The engine's metrics, and that nothing of ours names one it does not have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.catalog.metrics import engine_metrics, metric_versions, series_in, unknown_series

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
OBSERVABILITY = sorted((ROOT / "observability").rglob("*.json"))
WATCHING = (
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::APS::RuleGroupsNamespace",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::ECS::TaskDefinition",
)


def test_a_family_knows_its_series() -> None:
    metrics = engine_metrics()
    assert metrics["vllm:num_requests_running"].series == ("vllm:num_requests_running",)
    assert metrics["vllm:generation_tokens"].series == ("vllm:generation_tokens_total",)
    assert metrics["vllm:time_to_first_token_seconds"].series == (
        "vllm:time_to_first_token_seconds_bucket",
        "vllm:time_to_first_token_seconds_sum",
        "vllm:time_to_first_token_seconds_count",
    )
    assert metrics["vllm:request_success"].labels == {"engine", "finished_reason", "model_name"}


def test_versions_are_the_tested_and_the_imaged_one() -> None:
    assert metric_versions() == ("0.32.0", "0.33.0")


@pytest.mark.parametrize(
    ("query", "unknown"),
    [
        ("rate(vllm:generation_tokens_total[5m]) > 0", set()),
        ("vllm:gpu_cache_usage_perc", {"vllm:gpu_cache_usage_perc"}),
        ("rate(vllm:generation_tokens[5m])", {"vllm:generation_tokens"}),
        (
            "vllm:time_per_output_token_seconds_bucket",
            {"vllm:time_per_output_token_seconds_bucket"},
        ),
        ("http_requests_total + http_requests_in_flight", {"http_requests_in_flight"}),
        ("vllm:time_to_first_token_seconds", set()),
    ],
)
def test_a_name_of_another_version_is_found(query: str, unknown: set[str]) -> None:
    assert unknown_series(query, "0.33.0") == unknown


@pytest.mark.parametrize("version", metric_versions())
@pytest.mark.parametrize("file", OBSERVABILITY, ids=lambda path: path.name)
def test_dashboards_and_rules_name_the_engine_s_series_only(file: Path, version: str) -> None:
    assert unknown_series(file.read_text("utf-8"), version) == set()


def watching(templates: dict[str, dict[str, Any]]) -> Iterator[str]:
    for template in templates.values():
        for body in template["Resources"].values():
            if body["Type"] in WATCHING:
                yield json.dumps(body["Properties"])


@pytest.mark.parametrize("version", metric_versions())
def test_templates_name_the_engine_s_series_only(
    templates: dict[str, dict[str, Any]], version: str
) -> None:
    for text in watching(templates):
        assert unknown_series(text, version) == set(), text[:200]


def test_series_are_found_in_any_text() -> None:
    text = 'sum(vllm:num_requests_running{a="b"}) / "http_requests_total"'
    assert series_in(text) == {"vllm:num_requests_running", "http_requests_total"}
