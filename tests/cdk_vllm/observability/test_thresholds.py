from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from cdk_vllm.observability import AlarmThresholds

PAGE = Path(__file__).parents[3] / "docs" / "observability.md"


def test_every_threshold_is_explained() -> None:
    text = PAGE.read_text("utf-8")
    for field in fields(AlarmThresholds):
        assert f"`{field.name}`" in text, field.name
        assert f"{field.default:g}" in text, field.default


# Another's threshold, and what here stands in its place.
@pytest.mark.parametrize(
    ("asked", "here"),
    [
        ("p95 latency > 2 s", "`ttft_seconds_p95` = 2"),
        ("TTFT < 200 ms", "0.2 s"),
        ("GPU utilisation < 70 %", "`gpu_utilization` = 0.7"),
        ("error rate > 0.1 %", "`error_ratio` = 0.001"),
        ("queue depth > 100", "`waiting_requests` = 100"),
        ("memory > 90 %", "`kv_cache_usage` = 0.9"),
    ],
)
def test_a_usual_threshold_has_its_place_and_its_reason(asked: str, here: str) -> None:
    (row,) = [
        line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(f"| {asked}")
    ]
    _, place, reason = row.strip("|").split("|")
    assert here in place
    assert len(reason) > 40
