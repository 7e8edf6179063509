"""Dashboards: a group that is missing, or an empty frame, is found."""

from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm.checks.dashboards import GROUPS
from tests.cdk_vllm.checks.changes import rules_after, saying

DASHBOARD = "AWS::CloudWatch::Dashboard"
SERVICES = ("dev-chat", "dev-summaries", "prod-chat", "prod-summaries")


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_counts(templates: dict[str, Any], group: str) -> None:
    heading = group if group == "kv cache and preemptions" else group.capitalize()
    heading = {
        "kv cache and preemptions": "KV cache and preemptions",
        "gpus and hosts": "GPUs and hosts",
    }.get(group, heading)
    gone = saying(DASHBOARD, f"## {heading}", "## Other")
    assert "dashboards_answer_what_is_asked" in rules_after(templates["prod-chat"], gone)


def test_an_empty_frame_is_found(templates: dict[str, Any]) -> None:
    empty = saying(DASHBOARD, '\\"metrics\\":[[', '\\"other\\":[[')
    assert "dashboards_can_be_drawn" in rules_after(templates["dev-chat"], empty)


@pytest.mark.parametrize("name", SERVICES)
def test_every_committed_service_has_a_dashboard(templates: dict[str, Any], name: str) -> None:
    assert [b for b in templates[name]["Resources"].values() if b["Type"] == DASHBOARD]
