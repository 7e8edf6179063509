"""The foundation: what survives, what is shared, and that services do not change it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Match
from aws_cdk.assertions import Template as Assert

from cdk_vllm import environment_file
from stacks import FoundationStack

if TYPE_CHECKING:
    from pathlib import Path

Template = dict[str, Any]

SERVICE = """
[services.chat]
backend = "sagemaker"
model = "Qwen/Qwen3-8B"
max_model_len = 16384
max_request_seconds = 60
"""
EXISTING = """
[network]
vpc_id = "vpc-0abc"
private_subnet_ids = ["subnet-0a", "subnet-0b"]
availability_zones = ["eu-west-1a", "eu-west-1b"]
"""


def of(template: Template, kind: str) -> dict[str, Any]:
    return {name: body for name, body in template["Resources"].items() if body["Type"] == kind}


def make(app: cdk.App, folder: Path, text: str, **environment: str) -> FoundationStack:
    path = folder / "test.toml"
    path.write_text('region = "eu-west-1"\n' + text + SERVICE)
    stage = cdk.Stage(app, "test", env=cdk.Environment(region="eu-west-1", **environment))
    return FoundationStack(stage, "foundation", environment=environment_file.load(path))


def test_what_must_survive_is_retained(templates: dict[str, Template]) -> None:
    for name in ("dev-foundation", "prod-foundation"):
        kept = {
            logical_id
            for logical_id, body in templates[name]["Resources"].items()
            if body.get("DeletionPolicy") == "Retain"
        }
        assert kept == {
            "AlarmsKey3C2381B3",
            "AuditBucket7486E833",
            "AuditKey2ED08D30",
            "ImagesKey72752799",
            "ImagesMirrorA72ACE4C",
            "ImagesRepository2D0F5B9C",
            "LogsBucket5C52C3D2",
            "ModelsBucket970C6ADA",
            "ModelsKeyC1527AC1",
        }


def test_it_is_protected_against_deletion(app: cdk.App, tmp_path: Path) -> None:
    assert make(app, tmp_path, "").termination_protection


@pytest.mark.parametrize(("environment", "zones"), [("dev", 2), ("prod", 3)])
def test_a_new_network_has_a_private_subnet_in_each_zone(
    templates: dict[str, Template], environment: str, zones: int
) -> None:
    subnets = of(templates[f"{environment}-foundation"], "AWS::EC2::Subnet")
    places = [
        body["Properties"]["AvailabilityZone"]["Fn::Select"][0]
        for name, body in subnets.items()
        if "Private" in name
    ]
    assert places == list(range(zones))
    assert not any(body["Properties"]["MapPublicIpOnLaunch"] for body in subnets.values())


def test_an_account_needs_no_lookup(app: cdk.App, tmp_path: Path) -> None:
    make(app, tmp_path, "", account="123456789012")
    manifests = [
        json.loads(path.read_text())
        for path in (tmp_path / app.synth().directory).rglob("manifest.json")
    ]
    assert len(manifests) == 2
    assert not any("missing" in manifest for manifest in manifests)


def test_an_existing_network_is_used_as_it_is(app: cdk.App, tmp_path: Path) -> None:
    stack = make(app, tmp_path, EXISTING)
    Assert.from_stack(stack).resource_count_is("AWS::EC2::VPC", 0)
    assert [subnet.subnet_id for subnet in stack.vpc.private_subnets] == ["subnet-0a", "subnet-0b"]


def test_an_email_hears_of_both_kinds_of_alarm(templates: dict[str, Template]) -> None:
    assert not of(templates["dev-foundation"], "AWS::SNS::Subscription")
    subscriptions = of(templates["prod-foundation"], "AWS::SNS::Subscription").values()
    assert [s["Properties"]["Endpoint"] for s in subscriptions] == ["ml-oncall@example.com"] * 2


def test_a_foundation_is_the_same_with_and_without_services(
    templates: dict[str, Template], app: cdk.App, tmp_path: Path
) -> None:
    """An export that went with its last importer could not be removed before it."""
    alone = Assert.from_stack(make(app, tmp_path, "")).to_json()
    exports = {name for name, body in alone["Outputs"].items() if "Export" in body}
    for name in ("dev-foundation", "prod-foundation"):
        used = {key for key, body in templates[name]["Outputs"].items() if "Export" in body}
        of_region = ("Subnet3", "MetricsWorkspace")
        assert {key for key in used if not any(part in key for part in of_region)} == exports


def test_alarms_may_publish_to_the_encrypted_topics(
    templates: dict[str, Template],
) -> None:
    template = Assert.from_json(templates["dev-foundation"])
    for service, condition in (
        ("cloudwatch.amazonaws.com", Match.any_value()),
        ("events.amazonaws.com", Match.absent()),
    ):
        template.has_resource_properties(
            "AWS::KMS::Key",
            {
                "Description": "Encrypts alarm messages",
                "KeyPolicy": {
                    "Statement": Match.array_with(
                        [
                            Match.object_like(
                                {
                                    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                                    "Principal": {"Service": service},
                                    "Condition": condition,
                                }
                            )
                        ]
                    )
                },
            },
        )


def test_outputs_say_where_models_and_alarms_go(templates: dict[str, Template]) -> None:
    outputs = templates["dev-foundation"]["Outputs"]
    assert outputs["ModelBucket"]["Value"] == {"Ref": "ModelsBucket970C6ADA"}
    assert {"PageTopic", "TicketTopic"} <= set(outputs)
