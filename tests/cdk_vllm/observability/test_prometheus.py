from __future__ import annotations

from cdk_vllm.observability import AlarmThresholds
from cdk_vllm.observability.engine_alarms import latency_alarms
from cdk_vllm.observability.prometheus import default_rules, rule_groups, scrape_configuration


def test_a_rule_carries_its_severity_and_its_words() -> None:
    alarm = latency_alarms(AlarmThresholds())[0]
    (group,) = rule_groups([alarm])["groups"]
    assert group["rules"] == [
        {
            "alert": "SlowTtft",
            "expr": alarm.query,
            "for": "300s",
            "labels": {"severity": "ticket"},
            "annotations": {"summary": alarm.means, "description": alarm.first},
        }
    ]


def test_default_rules_name_every_alarm_once() -> None:
    (group,) = default_rules()["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(names) == len(set(names)) == 12


def test_scraping_gives_services_their_label() -> None:
    configuration = scrape_configuration()
    (scrape,) = configuration["scrape_configs"]
    assert scrape["job_name"] == "vllm"
    assert configuration["rule_files"] == ["rules.json"]
