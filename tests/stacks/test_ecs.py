"""One service on ECS, as its users and whoever pays for it would notice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk.assertions import Match
from aws_cdk.assertions import Template as Assert

Template = dict[str, Any]


@pytest.fixture(params=["dev", "prod"])
def name(request: pytest.FixtureRequest) -> str:
    return f"{request.param}-chat"


def test_vllm_loads_the_model_of_its_environment(templates: dict[str, Template], name: str) -> None:
    model = {"dev-chat": "Qwen/Qwen3-8B", "prod-chat": "Qwen/Qwen3-32B"}[name]
    (task,) = Assert.from_json(templates[name]).find_resources("AWS::ECS::TaskDefinition").values()
    container = task["Properties"]["ContainerDefinitions"][0]
    uri, *words = container["Command"]
    assert uri["Fn::Join"][1][-1] == f"/models/{model}/main/"
    assert words[words.index("--served-model-name") + 1] == model
    assert words[words.index("--load-format") + 1] == "runai_streamer"
    assert container["Image"] == {"Fn::GetAtt": ["ImageBuild623450AD", "ImageUri"]}


def test_development_is_plain_http_and_production_speaks_tls(
    templates: dict[str, Template],
) -> None:
    plain, secure = (
        Assert.from_json(templates["dev-chat"]),
        Assert.from_json(templates["prod-chat"]),
    )
    plain.resource_count_is("AWS::ElasticLoadBalancingV2::Listener", 1)
    plain.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::Listener", {"Port": 80, "Protocol": "HTTP"}
    )
    secure.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::Listener",
        {"Port": 443, "SslPolicy": "ELBSecurityPolicy-TLS13-1-3-2021-06"},
    )
    secure.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::Listener",
        {
            "Port": 80,
            "DefaultActions": [
                Match.object_like({"RedirectConfig": Match.object_like({"Protocol": "HTTPS"})})
            ],
        },
    )
    secure.has_resource_properties("AWS::Route53::RecordSet", {"Name": "chat.example.com"})


def test_outputs_are_what_a_client_needs(templates: dict[str, Template]) -> None:
    assert templates["prod-chat"]["Outputs"]["BaseUrl"]["Value"] == "https://chat.example.com/v1"
    dev = json.dumps(templates["dev-chat"]["Outputs"]["BaseUrl"]["Value"])
    assert "http://" in dev
    assert "DNSName" in dev
    for name in ("dev-chat", "prod-chat"):
        outputs = templates[name]["Outputs"]
        assert outputs["ApiKeySecret"]["Value"] == {"Ref": "ServiceApiKeyF4DD53BB"}
        assert outputs["ModelPrefix"]["Value"].startswith("models/Qwen/")
        quota = "Running On-Demand G and VT instances (L-DB2E81BA)"
        assert outputs["Quota"]["Value"] == quota
    assert float(templates["dev-chat"]["Outputs"]["UsdPerMillionOutputTokens"]["Value"]) > 0
    prod = templates["prod-chat"]["Outputs"]["UsdPerMillionOutputTokens"]["Value"]
    assert prod == "unknown"  # no price of the region is known, and synth asks nobody


def test_production_cannot_be_deleted_by_mistake(templates: dict[str, Template]) -> None:
    for name, protected in (("dev-chat", "false"), ("prod-chat", "true")):
        attribute = {"Key": "deletion_protection.enabled", "Value": protected}
        Assert.from_json(templates[name]).has_resource_properties(
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            {"LoadBalancerAttributes": Match.array_with([attribute])},
        )


def test_a_deployment_can_start_every_new_task_before_it_stops_an_old_one(
    templates: dict[str, Template],
) -> None:
    for name, most in (("dev-chat", 4), ("prod-chat", 6)):
        Assert.from_json(templates[name]).has_resource_properties(
            "AWS::AutoScaling::AutoScalingGroup", {"MinSize": "0", "MaxSize": str(2 * most)}
        )


def test_everything_that_costs_carries_its_model(templates: dict[str, Template], name: str) -> None:
    template = Assert.from_json(templates[name])
    tags = Match.array_with([Match.object_like({"Key": "cdk-vllm:model"})])
    template.has_resource_properties(
        "AWS::ECS::Service", {"Tags": tags, "PropagateTags": "SERVICE"}
    )
    template.has_resource_properties("AWS::AutoScaling::AutoScalingGroup", {"Tags": tags})


def test_alarms_have_the_environments_thresholds_and_one_pages(
    templates: dict[str, Template], name: str
) -> None:
    template = Assert.from_json(templates[name])
    (page,) = template.find_resources("AWS::CloudWatch::CompositeAlarm").values()
    assert "Page" in json.dumps(page["Properties"]["AlarmActions"])
    template.has_resource_properties("AWS::CloudWatch::Alarm", {"Threshold": 0.001})
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm", {"MetricName": "TargetResponseTime", "Threshold": 60}
    )


def test_there_is_no_lambda_and_no_custom_resource_but_the_image(
    templates: dict[str, Template], name: str
) -> None:
    kinds = {body["Type"] for body in templates[name]["Resources"].values()}
    assert "AWS::Lambda::Function" not in kinds
    assert {kind for kind in kinds if kind.startswith("Custom::")} == {"Custom::VllmImageBuild"}
