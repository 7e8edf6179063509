"""The constructs: what a CDK app imports to run vLLM on AWS.

Names load on first use, so an app that serves on ECS does not pay for importing SageMaker.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cdk_vllm.constructs.alarm_topics import AlarmTopics
    from cdk_vllm.constructs.ecs_alarms import EcsAlarms
    from cdk_vllm.constructs.ecs_service import VllmEcsService
    from cdk_vllm.constructs.front_door import DomainName, FrontDoor, TokenIssuer
    from cdk_vllm.constructs.gpu_capacity import GpuCapacity
    from cdk_vllm.constructs.image import (
        BuiltImage,
        ExistingImage,
        ImageBuilder,
        LocallyBuiltImage,
    )
    from cdk_vllm.constructs.log_bucket import LogBucket
    from cdk_vllm.constructs.model_store import ModelStore
    from cdk_vllm.constructs.network import IsolatedNetwork, Network
    from cdk_vllm.constructs.private_link import PrivateLink
    from cdk_vllm.constructs.sagemaker_alarms import SageMakerAlarms
    from cdk_vllm.constructs.sagemaker_endpoint import VllmSageMakerEndpoint
    from cdk_vllm.constructs.service_logs import ServiceLogs
    from cdk_vllm.constructs.web_firewall import WebFirewall

_MODULES = {
    "AlarmTopics": "alarm_topics",
    "BuiltImage": "image",
    "DomainName": "front_door",
    "EcsAlarms": "ecs_alarms",
    "ExistingImage": "image",
    "FrontDoor": "front_door",
    "GpuCapacity": "gpu_capacity",
    "ImageBuilder": "image",
    "IsolatedNetwork": "network",
    "LocallyBuiltImage": "image",
    "LogBucket": "log_bucket",
    "ModelStore": "model_store",
    "Network": "network",
    "PrivateLink": "private_link",
    "SageMakerAlarms": "sagemaker_alarms",
    "ServiceLogs": "service_logs",
    "TokenIssuer": "front_door",
    "VllmEcsService": "ecs_service",
    "VllmSageMakerEndpoint": "sagemaker_endpoint",
    "WebFirewall": "web_firewall",
}

__all__ = [
    "AlarmTopics",
    "BuiltImage",
    "DomainName",
    "EcsAlarms",
    "ExistingImage",
    "FrontDoor",
    "GpuCapacity",
    "ImageBuilder",
    "IsolatedNetwork",
    "LocallyBuiltImage",
    "LogBucket",
    "ModelStore",
    "Network",
    "PrivateLink",
    "SageMakerAlarms",
    "ServiceLogs",
    "TokenIssuer",
    "VllmEcsService",
    "VllmSageMakerEndpoint",
    "WebFirewall",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
