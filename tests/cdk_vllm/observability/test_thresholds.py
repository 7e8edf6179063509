from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from cdk_vllm.observability import AlarmThresholds

PAGE = Path(__file__).parents[3] / "docs" / "observability.md"


def test_every_threshold_is_explained() -> None:
    text = PAGE.read_text("utf-8")
    for field in fields(AlarmThresholds):
        assert f"`{field.name}`" in text, field.name
        assert f"{field.default:g}" in text, field.default
