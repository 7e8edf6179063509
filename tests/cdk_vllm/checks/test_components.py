"""Inference components that have no place, no name or no way to wake up are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cdk_vllm import sagemaker_app
from tests.cdk_vllm.checks.changes import rules_after, saying

if TYPE_CHECKING:
    from collections.abc import Callable

COMPONENT = "AWS::SageMaker::InferenceComponent"
CONFIG = "AWS::SageMaker::EndpointConfig"
MODEL = "AWS::SageMaker::Model"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        (
            "shared_instances_are_isolated",
            saying(CONFIG, '"EnableNetworkIsolation": true', '"X": 1'),
        ),
        (
            "shared_instances_come_and_go",
            saying(CONFIG, '"MaximumStepSize": 1', '"MaximumStepSize": 4'),
        ),
        (
            "components_have_a_place",
            saying(COMPONENT, '"VariantName": "vllm"', '"VariantName": "x"'),
        ),
        ("components_start_and_update", saying(COMPONENT, '"CopyCount": 1', '"CopyCount": 0')),
        (
            "components_are_called_by_their_names",
            saying("AWS::Logs::LogGroup", "InferenceComponents/", "InferenceComponent/"),
        ),
        (
            "adapters_can_be_loaded",
            saying(MODEL, "VLLM_ALLOW_RUNTIME_LORA_UPDATING", "VLLM_OTHER"),
        ),
        ("adapters_have_room", saying(MODEL, '"SM_VLLM_MAX_LORA_RANK": "16"', '"X": ""')),
        ("steps_start_one", saying(POLICY, '"ScalingAdjustment": 1', '"ScalingAdjustment": -1')),
    ],
)
def test_a_component_that_would_not_work_is_found(rule: str, change: Callable[[Any], None]) -> None:
    assert rule in rules_after(sagemaker_app.templates()["shared"], change)
