"""The alarms of an endpoint, each on minutes that are its fault, and all on minutes that are well.

The minutes are written by hand: SageMaker publishes what no engine here does.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk.assertions import Template

from cdk_vllm.constructs import AlarmTopics, SageMakerAlarms
from tests.cdk_vllm.constructs.test_sagemaker_endpoint import make
from tests.recorded.cloudwatch import Cloud, minutes_in_alarm
from tests.recorded.event_patterns import matches

if TYPE_CHECKING:
    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan

EVENTS = Path(__file__).parents[2] / "recorded" / "events"
MINUTES = 125
CALLS, HOSTS = "AWS/SageMaker", "/aws/sagemaker/Endpoints"
WELL: dict[tuple[str, str], list[float]] = {
    (CALLS, "Invocations"): [1.0] * 40,
    (CALLS, "ModelLatency"): [3e6] * 40,
    (CALLS, "FirstChunkLatency"): [4e5] * 40,
    (CALLS, "OverheadLatency"): [2e4] * 40,
    (CALLS, "ConcurrentRequestsPerModel"): [12.0],
    (HOSTS, "CPUUtilization"): [20.0],
    (HOSTS, "MemoryUtilization"): [40.0],
    (HOSTS, "DiskUtilization"): [30.0],
    (HOSTS, "GPUUtilizationNormalized"): [92.0],
}
Samples = dict[tuple[str, str], list[float]]

# What is different in every minute of a fault, and what then fires.
FAULTS: dict[str, tuple[Samples, set[str]]] = {
    "errors": ({(CALLS, "Invocation5XXErrors"): [1.0]}, {"ErrorRatio"}),
    "nothing answers": ({(CALLS, "InvocationModelErrors"): [1.0] * 40}, {"NoAnswers"}),
    "no instance": ({(HOSTS, "CPUUtilization"): []}, {"NoInstance"}),
    "slow answers": ({(CALLS, "ModelLatency"): [3e6] * 30 + [9e7] * 10}, {"SlowResponses"}),
    "slow streams": ({(CALLS, "FirstChunkLatency"): [3e6] * 40}, {"SlowFirstToken"}),
    "slow service": ({(CALLS, "OverheadLatency"): [2e6] * 40}, {"SlowOverhead"}),
    "a queue": ({(CALLS, "ConcurrentRequestsPerModel"): [90.0]}, {"WaitingPerReplica"}),
    "full memory": ({(HOSTS, "MemoryUtilization"): [95.0]}, {"HostMemory"}),
    "a full disk": ({(HOSTS, "DiskUtilization"): [88.0]}, {"HostDisk"}),
    "idle GPUs": ({(HOSTS, "GPUUtilizationNormalized"): [30.0]}, {"GpuIdle"}),
    "all replicas": ({(HOSTS, "CPUUtilization"): [20.0] * 4}, {"AtMaximum"}),
}
QUIET: dict[str, Samples] = {
    "well": {},
    "a night without requests": {
        **{key: [] for key in WELL if key[0] == CALLS},
        (HOSTS, "GPUUtilizationNormalized"): [0.0],
    },
    "half of the ten requests in five minutes fail": {
        (CALLS, "Invocations"): [1.0, 1.0],
        (CALLS, "Invocation5XXErrors"): [1.0],
    },
}


@pytest.fixture
def alarms(stack: cdk.Stack, sagemaker_plan: ServingPlan) -> dict[str, dict[str, Any]]:
    """Return the alarms of an endpoint of one to four replicas, by construct id."""
    request = replace(sagemaker_plan.request, min_replicas=1, max_replicas=4)
    plan = replace(sagemaker_plan, request=request)
    SageMakerAlarms(
        stack, "Alarms", endpoint=make(stack, plan), topics=AlarmTopics(stack, "Topics")
    )
    found = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm")
    return {
        logical_id.removeprefix("Alarms")[:-8]: body["Properties"]
        for logical_id, body in found.items()
    }


def firing(alarms: dict[str, dict[str, Any]], changes: Samples) -> set[str]:
    """Return the alarms that fire when every minute has these samples instead of good ones."""
    cloud = Cloud(MINUTES)
    for (namespace, name), samples in (WELL | changes).items():
        for minute in range(MINUTES):
            for sample in samples:
                cloud.add(namespace, name, minute, sample)
    return {name for name, alarm in alarms.items() if minutes_in_alarm(alarm, cloud)}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_by_its_alarm_alone(alarms: dict[str, dict[str, Any]], fault: str) -> None:
    changes, expected = FAULTS[fault]
    assert firing(alarms, changes) == expected


@pytest.mark.parametrize("scene", QUIET)
def test_what_is_no_fault_is_not_told(alarms: dict[str, dict[str, Any]], scene: str) -> None:
    assert firing(alarms, QUIET[scene]) == set()


def test_every_alarm_has_its_fault(alarms: dict[str, dict[str, Any]]) -> None:
    assert set(alarms) == {name for _, names in FAULTS.values() for name in names}


def test_pages_are_what_callers_notice(stack: cdk.Stack, sagemaker_plan: ServingPlan) -> None:
    topics = AlarmTopics(stack, "Topics")
    SageMakerAlarms(stack, "Alarms", endpoint=make(stack, sagemaker_plan), topics=topics)
    template = Template.from_stack(stack)
    (page,) = template.find_resources("AWS::CloudWatch::CompositeAlarm").values()
    rule = str(page["Properties"]["AlarmRule"])
    assert [rule.count(name) for name in ("ErrorRatio", "NoInstance", "NoAnswers")] == [1, 1, 1]
    assert page["Properties"]["AlarmActions"] == [stack.resolve(topics.page.topic_arn)]
    for alarm in template.find_resources("AWS::CloudWatch::Alarm").values():
        assert alarm["Properties"]["AlarmActions"] == [stack.resolve(topics.ticket.topic_arn)]


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("endpoint-failed", "FAILED", True),
        ("endpoint-failed", "ROLLING_BACK", True),
        ("endpoint-failed", "UPDATE_ROLLBACK_FAILED", True),
        ("endpoint-in-service", "IN_SERVICE", False),
        ("endpoint-in-service", "UPDATING", False),
    ],
)
def test_an_endpoint_that_fails_is_told(
    stack: cdk.Stack, sagemaker_plan: ServingPlan, name: str, status: str, told: bool
) -> None:
    endpoint = make(stack, sagemaker_plan)
    SageMakerAlarms(stack, "Alarms", endpoint=endpoint, topics=AlarmTopics(stack, "Topics"))
    (rule,) = Template.from_stack(stack).find_resources("AWS::Events::Rule").values()
    event = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    event["detail"] |= {"EndpointName": endpoint.endpoint_name, "EndpointStatus": status}
    assert matches(rule["Properties"]["EventPattern"], event) is told
    event["detail"]["EndpointName"] = "another"
    assert not matches(rule["Properties"]["EventPattern"], event)


def test_sagemaker_is_asked_for_all_that_vllm_and_its_gpus_tell(
    stack: cdk.Stack, sagemaker_plan: ServingPlan
) -> None:
    make(stack, sagemaker_plan)
    Template.from_stack(stack).has_resource_properties(
        "AWS::SageMaker::EndpointConfig",
        {"MetricsConfig": {"EnableEnhancedMetrics": True, "EnableDetailedObservability": True}},
    )
