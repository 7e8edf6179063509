"""Which of AWS's events reach somebody, matched as EventBridge does against documents of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk.assertions import Template

from cdk_vllm.constructs import AlarmTopics, EcsAlarms, EnvironmentWatch
from tests.cdk_vllm.constructs.test_ecs_service import make
from tests.recorded.event_patterns import matches

if TYPE_CHECKING:
    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan

EVENTS = Path(__file__).parents[2] / "recorded" / "events"
SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/cluster/chat"
GROUP = "gpu"

TELLS = {
    "ecs-deployment-failed": "Deployment",
    "ecs-placement-failure": "Tasks",
    "ecs-start-impaired": "Tasks",
    "launch-unsuccessful": "Launches",
    "spot-interruption": "Spot",
}
SILENT = [
    "ecs-deployment-completed",
    "ecs-steady-state",
    "launch-successful",
    "endpoint-failed",
]


def event(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return found


def resolved(value: Any) -> Any:
    """Put the documents' service and group where the template refers to its own."""
    if isinstance(value, dict):
        if "Ref" in value:
            return SERVICE if "Service" in value["Ref"] else GROUP
        return {key: resolved(item) for key, item in value.items()}
    return [resolved(item) for item in value] if isinstance(value, list) else value


@pytest.fixture
def rules(stack: cdk.Stack, ecs_plan: ServingPlan) -> dict[str, dict[str, Any]]:
    """Return the rules by construct id."""
    topics = AlarmTopics(stack, "Topics")
    EcsAlarms(stack, "Alarms", service=make(stack, ecs_plan), topics=topics)
    EnvironmentWatch(stack, "Watch", topics=topics)
    found = Template.from_stack(stack).find_resources("AWS::Events::Rule")
    return {
        re.sub("^(AlarmsEvents|Watch)", "", logical_id)[:-8]: body["Properties"]
        for logical_id, body in found.items()
    }


def hearing(rules: dict[str, dict[str, Any]], document: dict[str, Any]) -> list[str]:
    return [
        name for name, rule in rules.items() if matches(resolved(rule["EventPattern"]), document)
    ]


@pytest.mark.parametrize(("name", "rule"), TELLS.items())
def test_a_failure_is_told_by_one_rule(
    rules: dict[str, dict[str, Any]], name: str, rule: str
) -> None:
    assert hearing(rules, event(name)) == [rule]


@pytest.mark.parametrize("name", SILENT)
def test_what_goes_well_is_not_told(rules: dict[str, dict[str, Any]], name: str) -> None:
    assert hearing(rules, event(name)) == []


@pytest.mark.parametrize("name", [name for name in TELLS if name != "spot-interruption"])
def test_another_services_failure_is_not_told(rules: dict[str, dict[str, Any]], name: str) -> None:
    other = event(name)
    if "AutoScalingGroupName" in other["detail"]:
        other["detail"]["AutoScalingGroupName"] += "-other"
    else:
        other["resources"] = [SERVICE + "-other"]
    assert hearing(rules, other) == []


@pytest.mark.parametrize(("name", "rule"), TELLS.items())
def test_a_ticket_is_a_sentence_with_all_its_words(
    rules: dict[str, dict[str, Any]], name: str, rule: str
) -> None:
    (target,) = rules[rule]["Targets"]
    assert "Ticket" in json.dumps(target["Arn"])
    transformer = target["InputTransformer"]
    sentence = json.loads(transformer["InputTemplate"])
    words = set(re.findall("<([a-z]+)>", sentence))
    assert words == set(transformer["InputPathsMap"])
    for word, path in transformer["InputPathsMap"].items():
        found: Any = event(name)
        for step in re.findall(r"[\w-]+", path.removeprefix("$.")):
            found = found[int(step)] if isinstance(found, list) else found.get(step, "")
        assert found or (name, word) == ("ecs-start-impaired", "reason"), word
