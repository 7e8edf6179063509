"""Every alert fires on the fault it is for, and on nothing else, in a real Prometheus."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.observability import AlarmThresholds
from cdk_vllm.observability.engine_alarms import EngineAlarm, engine_alarms
from cdk_vllm.observability.prometheus import rule_groups
from tests.engine.metrics.prometheus import REPLICA, input_series, rules_pass
from tests.recorded.series import SCENARIOS, SCRAPE_SECONDS, recorded

if TYPE_CHECKING:
    from pathlib import Path

# A tiny model on a CPU answers in a fraction of the time a large one on a GPU needs, so its limits
# are lower. Its batch of 8 is hardly slower than one request: the overload moves p95 by little.
THRESHOLDS = replace(AlarmThresholds(), itl_seconds_p95=0.0098, e2e_seconds_p95=20.0)
ALARMS = {alarm.name: alarm for alarm in engine_alarms(THRESHOLDS)}

# What fires, and a minute and second of the recording at which it must.
FIRES = {
    "stall": {"Stall": "8m"},
    "died": {"NoMetrics": "6m"},
    "errors": {"ErrorRatio": "7m"},
    "overload": {
        "Waiting": "8m30s",
        "WaitingPerReplica": "8m30s",
        "KvCacheFull": "8m30s",
        "Preemptions": "8m30s",
        "Rejections": "5m",
        "Overloaded": "8m30s",
        "SlowTtft": "8m30s",
        "SlowItl": "8m30s",
        "SlowE2E": "8m30s",
    },
}


def firing(alarm: EngineAlarm, scenario: str) -> list[dict[str, Any]]:
    """Return the alert that promtool is to find."""
    labels = {"severity": alarm.severity, "service": scenario}
    if alarm.name == "Stall":
        labels["instance"] = REPLICA["instance"]
    words = {"summary": alarm.means, "description": alarm.first}
    return [{"exp_labels": labels, "exp_annotations": words}]


def times(scenario: str) -> list[str]:
    """Return every scrape of a recording."""
    scrapes = len(recorded(scenario)[0].values)
    return [f"{place * SCRAPE_SECONDS}s" for place in range(scrapes)]


def expectation(name: str, at: str, expected: list[dict[str, Any]]) -> dict[str, Any]:
    return {"eval_time": at, "alertname": name, "exp_alerts": expected}


def complaint(scenario: str, expectations: list[dict[str, Any]], folder: Path) -> str:
    test = {
        "interval": f"{SCRAPE_SECONDS}s",
        "input_series": input_series(scenario),
        "alert_rule_test": expectations,
    }
    return rules_pass(rule_groups(ALARMS.values()), [test], folder)


def test_every_alarm_has_a_recording_on_which_it_fires() -> None:
    assert {name for alarms in FIRES.values() for name in alarms} == set(ALARMS)


@pytest.mark.parametrize("scenario", FIRES)
def test_alerts_fire_on_their_fault(scenario: str, tmp_path: Path) -> None:
    expected = [
        expectation(name, at, firing(ALARMS[name], scenario))
        for name, at in FIRES[scenario].items()
    ]
    assert complaint(scenario, expected, tmp_path) == ""


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_other_alerts_stay_quiet_all_the_time(scenario: str, tmp_path: Path) -> None:
    expected = [
        expectation(name, at, [])
        for name in ALARMS
        if name not in FIRES.get(scenario, {})
        for at in times(scenario)
    ]
    assert complaint(scenario, expected, tmp_path) == ""


def test_the_rule_tester_can_fail(tmp_path: Path) -> None:
    assert "Stall" in complaint("stall", [expectation("Stall", "8m", [])], tmp_path)


def test_the_committed_rules_are_those_of_the_defaults(tmp_path: Path) -> None:
    alarms = engine_alarms(AlarmThresholds())
    test = {
        "interval": f"{SCRAPE_SECONDS}s",
        "input_series": input_series("stall"),
        "alert_rule_test": [
            expectation("Stall", "8m", firing(ALARMS["Stall"], "stall")),
            expectation("NoMetrics", "8m", []),
        ],
    }
    assert rules_pass(rule_groups(alarms), [test], tmp_path) == ""
