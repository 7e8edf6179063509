"""Alarms as text; tests/engine/metrics shows in a real Prometheus when they fire."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cdk_vllm.catalog.metrics import metric_versions, unknown_series
from cdk_vllm.observability import AlarmThresholds
from cdk_vllm.observability.engine_alarms import EngineAlarm, engine_alarms, latency_alarms

ALARMS = engine_alarms(AlarmThresholds(), '{service="chat"}')


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.name)
def test_an_alarm_says_what_it_means_and_what_to_do_first(alarm: EngineAlarm) -> None:
    for sentence in (alarm.means, alarm.first):
        assert sentence.endswith(".")
        assert 20 < len(sentence) < 120
    assert alarm.severity in ("page", "ticket")


@pytest.mark.parametrize("version", metric_versions())
@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.name)
def test_an_alarm_names_series_of_the_engine_only(alarm: EngineAlarm, version: str) -> None:
    assert unknown_series(alarm.query, version) == set()
    assert alarm.query.count('service="chat"') == alarm.query.count("vllm:") + alarm.query.count(
        "http_requests_total"
    )


def test_only_what_users_notice_pages() -> None:
    pages = {alarm.name for alarm in ALARMS if alarm.severity == "page"}
    assert pages == {"ErrorRatio", "NoMetrics", "Overloaded", "Stall"}


def test_thresholds_reach_their_queries() -> None:
    odd = replace(
        AlarmThresholds(),
        error_ratio=0.123,
        ttft_seconds_p95=7,
        waiting_requests=777,
        waiting_requests_per_replica=77,
        kv_cache_usage=0.77,
        rejected_ratio=0.17,
        minimum_requests=71,
    )
    queries = {alarm.name: alarm.query for alarm in engine_alarms(odd)}
    assert "> 0.123 and" in queries["ErrorRatio"]
    assert queries["ErrorRatio"].endswith(">= 71")
    assert queries["SlowTtft"].endswith("> 7")
    assert queries["Waiting"].endswith("> 777")
    assert queries["WaitingPerReplica"].endswith("> 77")
    assert queries["KvCacheFull"].endswith("> 0.77")
    assert "> 0.17 and" in queries["Overloaded"]


def test_whole_histograms_need_no_buckets() -> None:
    for alarm in latency_alarms(AlarmThresholds(), native=True):
        assert "_bucket" not in alarm.query
