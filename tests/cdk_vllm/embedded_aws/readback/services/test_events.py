from __future__ import annotations

import json
from typing import Any

import pytest

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any


@pytest.mark.parametrize("bus", ["default", "own"])
def test_rule(client: Client, wrong: Wrong, bus: str) -> None:
    events = client("events")
    if bus != "default":
        events.create_event_bus(Name=bus)
    pattern = {"source": ["aws.ecs"], "detail-type": ["ECS Deployment State Change"]}
    events.put_rule(
        Name="deployments",
        Description="d",
        EventBusName=bus,
        EventPattern=json.dumps(pattern),
        State="ENABLED",
    )
    target = {"Id": "Target0", "Arn": "arn:aws:sns:us-east-1:123456789012:alarms"}
    events.put_targets(Rule="deployments", EventBusName=bus, Targets=[target])
    written = {
        "Description": "d",
        "EventPattern": pattern,
        "State": "ENABLED",
        "Targets": [target],
    }
    physical_id = "deployments" if bus == "default" else f"{bus}|deployments"
    assert wrong("Events::Rule", physical_id, written) == []
    events.disable_rule(Name="deployments", EventBusName=bus)
    assert wrong("Events::Rule", physical_id, written) == [
        'State should be "ENABLED" but is "DISABLED"'
    ]
    assert not exists(client, "AWS::Events::Rule", "other")
