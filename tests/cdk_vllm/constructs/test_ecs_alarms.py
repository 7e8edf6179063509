"""Alarms on what AWS counts, not vLLM: each on minutes that are its fault, all on good ones.

The minutes are written by hand. `test_engine_alarms` holds the others against recordings.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk.assertions import Template

from cdk_vllm.constructs import (
    AlarmTopics,
    Collector,
    EcsAlarms,
    EngineMetrics,
    HostAlarms,
    HostLog,
)
from cdk_vllm.constructs.certificate_alarm import certificate_alarm
from cdk_vllm.constructs.host_agent import DRAINING_XIDS, xid_filter_pattern
from cdk_vllm.observability import AlarmThresholds
from cdk_vllm.sizing import timeouts_for
from tests.cdk_vllm.constructs.test_ecs_service import make
from tests.recorded.cloudwatch import Cloud, minutes_in_alarm

if TYPE_CHECKING:
    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan

Alarms = dict[str, dict[str, Any]]
Samples = dict[tuple[str, str], list[float]]

BALANCER, TASKS, HOSTS, ENGINE = (
    "AWS/ApplicationELB",
    "ECS/ContainerInsights",
    "vLLM/Hosts",
    "vLLM",
)
XID = "gpu_hardware_errors/dev-chat"
MINUTES = 24 * 60
PAGE = Path(__file__).parents[3] / "docs" / "observability.md"
WELL: Samples = {
    (BALANCER, "HealthyHostCount"): [2.0],
    (BALANCER, "UnHealthyHostCount"): [0.0],
    (BALANCER, "RequestCount"): [60.0],
    (BALANCER, "TargetResponseTime"): [0.05] * 10,
    (TASKS, "DesiredTaskCount"): [2.0],
    (TASKS, "RunningTaskCount"): [2.0],
    (TASKS, "PendingTaskCount"): [0.0],
    (HOSTS, "mem_used_percent"): [40.0, 50.0],
    (HOSTS, "disk_used_percent"): [30.0, 60.0],
    (HOSTS, "nvidia_smi_utilization_gpu"): [85.0, 95.0],
    (ENGINE, "vllm:num_requests_running"): [6.0] * 4,
    (ENGINE, "requests_without_tokens"): [-900.0],
    ("AWS/CertificateManager", "DaysToExpiry"): [200.0],
}

# What is different in every minute of a fault, and what then fires.
FAULTS: dict[str, tuple[Samples, set[str]]] = {
    "vLLM answers 500": ({(BALANCER, "HTTPCode_Target_5XX_Count"): [1.0]}, {"ErrorRatio"}),
    "nobody answers": ({(BALANCER, "HTTPCode_ELB_5XX_Count"): [1.0]}, {"ErrorRatio"}),
    "no task is healthy": ({(BALANCER, "HealthyHostCount"): [0.0]}, {"NoHealthyTask"}),
    "no target is registered": ({(BALANCER, "HealthyHostCount"): []}, {"NoHealthyTask"}),
    "one task is unhealthy": ({(BALANCER, "UnHealthyHostCount"): [1.0]}, {"UnhealthyTasks"}),
    "slow": ({(BALANCER, "TargetResponseTime"): [0.05] * 9 + [90.0]}, {"SlowResponses"}),
    "a task is missing": ({(TASKS, "RunningTaskCount"): [1.0]}, {"MissingTasks"}),
    "a task waits for an instance": ({(TASKS, "PendingTaskCount"): [1.0]}, {"WaitingTasks"}),
    "as many as may run": (
        {(TASKS, "DesiredTaskCount"): [4.0], (TASKS, "RunningTaskCount"): [4.0]},
        {"AtMaximum"},
    ),
    "one instance's memory is full": (
        {(HOSTS, "mem_used_percent"): [40.0, 93.0]},
        {"HostMemory"},
    ),
    "one instance's disk is full": ({(HOSTS, "disk_used_percent"): [30.0, 90.0]}, {"HostDisk"}),
    "GPUs wait for the CPU": ({(HOSTS, "nvidia_smi_utilization_gpu"): [20.0]}, {"GpuIdle"}),
    "a GPU is broken": ({(HOSTS, XID): [1.0]}, {"GpuHardware"}),
    "the certificate ends": (
        {("AWS/CertificateManager", "DaysToExpiry"): [29.0]},
        {"CertificateExpires"},
    ),
    "one request of twenty is turned away": (
        {
            (ENGINE, "vllm:admission_rejections_total"): [1.0],
            (ENGINE, "vllm:request_success_total"): [19.0],
        },
        {"Rejections"},
    ),
    "one request of five is turned away": (
        {
            (ENGINE, "vllm:admission_rejections_total"): [10.0],
            (ENGINE, "vllm:request_success_total"): [40.0],
            (BALANCER, "HTTPCode_Target_5XX_Count"): [10.0],
        },
        {"Rejections", "Overloaded"},
    ),
    "a few wait at each of seven replicas": (
        {(ENGINE, "vllm:num_requests_waiting"): [16.0] * 4 * 7},
        {"Waiting"},
    ),
    "the collector is dead": (
        {(ENGINE, "vllm:num_requests_running"): [], (ENGINE, "requests_without_tokens"): []},
        {"NoMetrics"},
    ),
}
QUIET: dict[str, Samples] = {
    "well": {},
    "a night without requests": {
        (BALANCER, "RequestCount"): [],
        (BALANCER, "TargetResponseTime"): [],
        (ENGINE, "vllm:num_requests_running"): [0.0] * 4,
        (ENGINE, "requests_without_tokens"): [0.0],
        (HOSTS, "nvidia_smi_utilization_gpu"): [0.0],
    },
    "half of a few requests fail": {
        (BALANCER, "RequestCount"): [2.0],
        (BALANCER, "HTTPCode_Target_5XX_Count"): [1.0],
    },
    "a few wait at two replicas": {(ENGINE, "vllm:num_requests_waiting"): [16.0] * 4 * 2},
    "instances report nothing": {key: [] for key in WELL if key[0] == HOSTS},
}


def watch(stack: cdk.Stack, plan: ServingPlan, min_replicas: int = 1) -> AlarmTopics:
    """Give a service every alarm its stack gives it."""
    request = replace(plan.request, min_replicas=min_replicas, max_replicas=4)
    plan = replace(plan, request=request)
    topics = AlarmTopics(stack, "Topics")
    collector = Collector(stack, "Collector", name="dev-chat")
    EcsAlarms(stack, "Alarms", service=make(stack, plan), topics=topics, collector=collector)
    HostAlarms(
        stack,
        "Hosts",
        group_name="gpu",
        log=HostLog(stack, "Log"),
        metrics=EngineMetrics("dev-chat"),
        topics=topics,
        thresholds=AlarmThresholds(),
    )
    certificate_alarm(
        stack,
        "CertificateExpires",
        certificate_arn="arn:aws:acm:us-east-1:123456789012:certificate/x",
        days=30,
        topics=topics,
    )
    return topics


def by_name(template: Template) -> Alarms:
    """Return the alarms that are no PromQL by construct id."""
    return {
        re.sub("^(AlarmsEngine|Alarms|Hosts)", "", logical_id)[:-8]: body["Properties"]
        for logical_id, body in template.find_resources("AWS::CloudWatch::Alarm").items()
        if "EvaluationCriteria" not in body["Properties"]
    }


@pytest.fixture
def alarms(stack: cdk.Stack, ecs_plan: ServingPlan) -> Alarms:
    watch(stack, ecs_plan)
    return by_name(Template.from_stack(stack))


def cloud(changes: Samples, minutes: int = MINUTES) -> Cloud:
    """Return so many minutes with these samples instead of good ones."""
    made = Cloud(minutes)
    for (namespace, name), samples in (WELL | changes).items():
        for minute in range(minutes):
            for sample in samples:
                made.add(namespace, name, minute, sample)
    return made


def firing(alarms: Alarms, changes: Samples) -> set[str]:
    seen = cloud(changes)
    return {name for name, alarm in alarms.items() if minutes_in_alarm(alarm, seen)}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_by_its_alarm_alone(alarms: Alarms, fault: str) -> None:
    changes, expected = FAULTS[fault]
    assert firing(alarms, changes) == expected


@pytest.mark.parametrize("scene", QUIET)
def test_what_is_no_fault_is_not_told(alarms: Alarms, scene: str) -> None:
    assert firing(alarms, QUIET[scene]) == set()


@pytest.mark.parametrize("name", ["UnhealthyTasks", "MissingTasks", "WaitingTasks"])
def test_a_cold_start_is_no_fault(alarms: Alarms, ecs_plan: ServingPlan, name: str) -> None:
    minutes = ceil(timeouts_for(ecs_plan).health_check_grace_seconds / 60) - 1
    starting = {
        (BALANCER, "UnHealthyHostCount"): [1.0],
        (TASKS, "RunningTaskCount"): [1.0],
        (TASKS, "PendingTaskCount"): [1.0],
    }
    assert minutes_in_alarm(alarms[name], cloud(starting, minutes)) == []


ASLEEP: Samples = {
    (BALANCER, "HealthyHostCount"): [],
    (TASKS, "DesiredTaskCount"): [0.0],
    (TASKS, "RunningTaskCount"): [0.0],
    (HOSTS, "nvidia_smi_utilization_gpu"): [],
    (ENGINE, "vllm:num_requests_running"): [],
    (ENGINE, "requests_without_tokens"): [],
}


def test_a_service_that_sleeps_pages_nobody_and_one_that_does_not_wake_does(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    watch(stack, ecs_plan, min_replicas=0)
    alarms = by_name(Template.from_stack(stack))
    assert firing(alarms, ASLEEP) == set()
    waking = ASLEEP | {(TASKS, "DesiredTaskCount"): [1.0]}
    minutes = ceil(timeouts_for(ecs_plan).health_check_grace_seconds / 60)
    for name in ("NoHealthyTask", "NoMetrics"):
        assert minutes_in_alarm(alarms[name], cloud(waking, minutes)) == []
        assert minutes_in_alarm(alarms[name], cloud(waking, minutes + 5))
    assert firing(alarms, {}) == set()


def test_every_alarm_says_what_to_do_and_tells_somebody(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    topics = watch(stack, ecs_plan)
    template = Template.from_stack(stack)
    page, ticket = (stack.resolve(t.topic_arn) for t in (topics.page, topics.ticket))
    for name, alarm in by_name(template).items():
        assert alarm["TreatMissingData"] in ("breaching", "notBreaching"), name
        assert len(re.findall(r"[.:;]", alarm["AlarmDescription"])) >= 2, name
        assert alarm["AlarmActions"] == [page if name == "GpuHardware" else ticket], name
    (composite,) = template.find_resources("AWS::CloudWatch::CompositeAlarm").values()
    rule = json.dumps(composite["Properties"]["AlarmRule"])
    paging = ("ErrorRatio", "NoHealthyTask", "Stall", "NoMetrics", "Overloaded")
    assert rule.count("ALARM(") == len(paging)
    assert all(name in rule for name in paging)
    assert composite["Properties"]["AlarmActions"] == [page]
    assert composite["Properties"]["OKActions"] == [page]


def test_silence_is_a_fault_only_where_something_always_speaks(alarms: Alarms) -> None:
    breaching = {n for n, alarm in alarms.items() if alarm["TreatMissingData"] == "breaching"}
    assert breaching == {"NoHealthyTask", "NoMetrics"}


def test_nothing_is_said_of_gpu_memory(alarms: Alarms) -> None:
    assert "memory" not in json.dumps([a for n, a in alarms.items() if n != "HostMemory"]).lower()


def found(line: str) -> bool:
    """Say whether CloudWatch Logs would count a line: one of the pattern's optional terms in it."""
    return any(term in line for term in re.findall(r'\?"([^"]+)"', xid_filter_pattern()))


@pytest.mark.parametrize("xid", [*DRAINING_XIDS, 13, 31, 43, 63, 92, 94, 480, 790])
def test_errors_of_the_hardware_are_counted_and_those_of_programs_are_not(xid: int) -> None:
    line = f"kernel: NVRM: Xid (PCI:0000:00:1e): {xid}, pid=1234, name=python3, Ch 00000010"
    assert found(line) is (xid in DRAINING_XIDS)


def test_thresholds_reach_their_alarms(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    odd = AlarmThresholds(
        error_ratio=0.123,
        rejected_ratio=0.17,
        e2e_seconds_p95=7,
        waiting_requests=777,
        waiting_requests_per_replica=77,
        kv_cache_usage=0.77,
    )
    collector = Collector(stack, "Collector", name="chat")
    EcsAlarms(
        stack,
        "Alarms",
        service=make(stack, ecs_plan),
        topics=AlarmTopics(stack, "Topics"),
        thresholds=odd,
        collector=collector,
    )
    limits = {
        name: alarm["Threshold"] for name, alarm in by_name(Template.from_stack(stack)).items()
    }
    assert limits["ErrorRatio"] == 0.123
    assert limits["Overloaded"] == 0.17
    assert limits["SlowResponses"] == 7
    assert limits["Waiting"] == 777
    assert limits["WaitingPerReplica"] == 77
    assert limits["KvCacheFull"] == 0.77


def test_every_alarm_of_every_environment_is_in_the_documentation(
    templates: dict[str, dict[str, Any]],
) -> None:
    page = PAGE.read_text("utf-8")
    for template in templates.values():
        for logical_id, body in template["Resources"].items():
            if body["Type"] == "AWS::CloudWatch::Alarm":
                found = re.findall(r"`(\w+)`", page)
                assert logical_id[:-8].endswith(tuple(found)), logical_id
