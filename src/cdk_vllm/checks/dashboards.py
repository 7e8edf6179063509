"""What an on-call engineer looks at first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.template import Finding, Template, as_list, dig, joined, report

if TYPE_CHECKING:
    from collections.abc import Iterator

DASHBOARD = "AWS::CloudWatch::Dashboard"
SERVICES = ("AWS::ECS::Service", "AWS::SageMaker::Endpoint")
GROUPS = (
    "alarms",
    "traffic and errors",
    "latency",
    "requests running and waiting",
    "kv cache and preemptions",
    "tokens and money",
    "gpus and hosts",
    "replicas",
)
"""What a dashboard of a service has to answer, in the order in which it is asked."""


def dashboards_can_be_drawn(template: Template) -> Iterator[Finding]:
    """CloudWatch draws an empty frame for a widget that measures nothing."""
    for dashboard in template.of(DASHBOARD):
        widgets = _widgets(dashboard.get("DashboardBody"))
        drawn = [w for w in widgets if w.get("type") == "metric"]
        empty = [w for w in drawn if not as_list(dig(w, "properties.metrics"))]
        wrong = {
            "its body holds no widget": not widgets,
            "a widget has no metric": bool(empty),
            "it has no name": not dashboard.get("DashboardName"),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(dashboards_can_be_drawn, dashboard, message)


def dashboards_answer_what_is_asked(template: Template) -> Iterator[Finding]:
    """At night one screen must tell whether it is the traffic, the queue, the memory or the GPU."""
    if not any(template.of(*SERVICES)):
        return
    for dashboard in template.of(DASHBOARD):
        text = [
            str(dig(widget, "properties.markdown")).lower()
            for widget in _widgets(dashboard.get("DashboardBody"))
            if widget.get("type") == "text"
        ]
        for group in GROUPS:
            if not any(words.startswith(f"## {group}") for words in text):
                message = f"it has no group on {group}"
                yield report(dashboards_answer_what_is_asked, dashboard, message)


def _widgets(body: Any) -> list[dict[str, Any]]:
    try:
        found = json.loads(joined(body))
    except ValueError:
        return []
    return as_list(found.get("widgets")) if isinstance(found, dict) else []


RULES = (dashboards_can_be_drawn, dashboards_answer_what_is_asked)
