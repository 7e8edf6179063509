"""One service on SageMaker, as its callers would notice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk.assertions import Match
from aws_cdk.assertions import Template as Assert

Template = dict[str, Any]


@pytest.fixture(params=["dev", "prod"])
def name(request: pytest.FixtureRequest) -> str:
    return f"{request.param}-summaries"


def test_the_model_is_copied_from_the_store_and_started_with_the_plan(
    templates: dict[str, Template], name: str
) -> None:
    model = {
        "dev-summaries": "mistralai/Mistral-Small-24B-Instruct-2501",
        "prod-summaries": "meta-llama/Llama-3.3-70B-Instruct",
    }[name]
    (found,) = Assert.from_json(templates[name]).find_resources("AWS::SageMaker::Model").values()
    container = found["Properties"]["PrimaryContainer"]
    source = container["ModelDataSource"]["S3DataSource"]
    assert source["S3Uri"]["Fn::Join"][1][-1] == f"/models/{model}/main/"
    assert container["Environment"]["SM_VLLM_SERVED_MODEL_NAME"] == model
    assert container["Environment"]["SM_VLLM_MAX_MODEL_LEN"] == "32768"
    assert found["Properties"]["EnableNetworkIsolation"] is True


def test_outputs_name_the_endpoint_and_its_openai_url(
    templates: dict[str, Template], name: str
) -> None:
    outputs = templates[name]["Outputs"]
    assert outputs["EndpointName"]["Value"]["Fn::GetAtt"][1] == "EndpointName"
    url = json.dumps(outputs["BaseUrl"]["Value"])
    assert "https://runtime.sagemaker." in url
    assert "/openai/v1" in url


def test_a_canary_is_tried_where_there_is_more_than_one_instance(
    templates: dict[str, Template],
) -> None:
    for name, kind in (("dev-summaries", "ALL_AT_ONCE"), ("prod-summaries", "CANARY")):
        Assert.from_json(templates[name]).has_resource_properties(
            "AWS::SageMaker::Endpoint",
            {
                "DeploymentConfig": {
                    "BlueGreenUpdatePolicy": Match.object_like(
                        {"TrafficRoutingConfiguration": Match.object_like({"Type": kind})}
                    ),
                    "AutoRollbackConfiguration": {"Alarms": [Match.any_value()]},
                }
            },
        )


def test_it_scales_on_requests_at_once(templates: dict[str, Template], name: str) -> None:
    Assert.from_json(templates[name]).has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        {
            "TargetTrackingScalingPolicyConfiguration": Match.object_like(
                {
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": (
                            "SageMakerVariantConcurrentRequestsPerModelHighResolution"
                        )
                    }
                }
            )
        },
    )


def test_its_logs_lie_where_sagemaker_writes_them(
    templates: dict[str, Template], name: str
) -> None:
    template = Assert.from_json(templates[name])
    (endpoint,) = template.find_resources("AWS::SageMaker::Endpoint").values()
    endpoint_name = endpoint["Properties"]["EndpointName"]
    assert endpoint_name == endpoint_name.lower()
    template.has_resource_properties(
        "AWS::Logs::LogGroup", {"LogGroupName": f"/aws/sagemaker/Endpoints/{endpoint_name}"}
    )
