"""Scrape configuration and alerting rules for a Prometheus of one's own, or of AWS's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.observability.engine_alarms import engine_alarms
from cdk_vllm.observability.thresholds import AlarmThresholds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cdk_vllm.observability.engine_alarms import EngineAlarm

SCRAPE_SECONDS = 15


def rule_groups(alarms: Iterable[EngineAlarm]) -> dict[str, Any]:
    """Return a rules file's content: one group, a rule for each alarm, labelled by severity."""
    rules = [
        {
            "alert": alarm.name,
            "expr": alarm.query,
            "for": f"{alarm.for_seconds}s",
            "labels": {"severity": alarm.severity},
            "annotations": {"summary": alarm.means, "description": alarm.first},
        }
        for alarm in alarms
    ]
    return {"groups": [{"name": "vllm", "rules": rules}]}


def default_rules() -> dict[str, Any]:
    """Return the rules for every service, with the default thresholds."""
    return rule_groups(engine_alarms(AlarmThresholds()))


def scrape_configuration() -> dict[str, Any]:
    """Return a Prometheus configuration that finds replicas in files, by service.

    The load balancer keeps /metrics from outside, so replicas are scraped at their own addresses. A
    file in `targets` has `[{"targets": ["10.0.1.7:8000"], "labels": {"service": "chat"}}]`.
    """
    return {
        "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": "15s"},
        "rule_files": ["rules.json"],
        "scrape_configs": [
            {"job_name": "vllm", "file_sd_configs": [{"files": ["targets/*.json"]}]}
        ],
    }
