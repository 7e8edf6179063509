from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def resources(source: str, *targets: str) -> dict[str, Any]:
    return {
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": [source]},
                "State": "ENABLED",
                "Targets": [
                    {
                        "Arn": f"arn:aws:sns:us-east-1:123456789012:{name}",
                        "Id": name,
                        "InputTransformer": {
                            "InputPathsMap": {"a": "$.detail"},
                            "InputTemplate": '"<a>"',
                        },
                    }
                    for name in targets
                ],
            },
        }
    }


def test_a_rule_is_read_and_changes(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    events, ids = client("events"), deployed(**resources("aws.ecs", "one", "two"))
    shown = events.describe_rule(Name=ids["Rule"])
    assert json.loads(shown["EventPattern"]) == {"source": ["aws.ecs"]}
    targets = events.list_targets_by_rule(Rule=ids["Rule"])["Targets"]
    assert [target["Id"] for target in targets] == ["one", "two"]
    assert targets[0]["InputTransformer"]["InputTemplate"] == '"<a>"'
    assert deployed(**resources("aws.ec2", "two")) == ids
    shown = events.describe_rule(Name=ids["Rule"])
    assert json.loads(shown["EventPattern"]) == {"source": ["aws.ec2"]}
    targets = events.list_targets_by_rule(Rule=ids["Rule"])["Targets"]
    assert [target["Id"] for target in targets] == ["two"]
    destroyed()
    assert not events.list_rules()["Rules"]
