"""The constructs: what a CDK app imports to run vLLM on AWS.

Names load on first use, so an app that serves on ECS does not pay for importing SageMaker.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cdk_vllm.constructs.alarm_topics import AlarmTopics
    from cdk_vllm.constructs.audit import Audit
    from cdk_vllm.constructs.collector import Collector
    from cdk_vllm.constructs.ecs_alarms import EcsAlarms
    from cdk_vllm.constructs.ecs_dashboard import EcsDashboard
    from cdk_vllm.constructs.ecs_service import VllmEcsService
    from cdk_vllm.constructs.engine_metrics import EngineMetrics
    from cdk_vllm.constructs.environment_dashboard import EnvironmentDashboard
    from cdk_vllm.constructs.environment_watch import EnvironmentWatch
    from cdk_vllm.constructs.front_door import DomainName, FrontDoor, TokenIssuer
    from cdk_vllm.constructs.gpu_capacity import GpuCapacity, Purchase
    from cdk_vllm.constructs.host_alarms import HostAlarms, HostLog
    from cdk_vllm.constructs.image import BuiltImage, ExistingImage, ImageBuilder, LocallyBuiltImage
    from cdk_vllm.constructs.log_bucket import LogBucket
    from cdk_vllm.constructs.metrics_workspace import MetricsWorkspace
    from cdk_vllm.constructs.model_store import ModelStore
    from cdk_vllm.constructs.network import IsolatedNetwork, Network
    from cdk_vllm.constructs.private_link import PrivateLink
    from cdk_vllm.constructs.push_job import PushJob
    from cdk_vllm.constructs.sagemaker_alarms import SageMakerAlarms
    from cdk_vllm.constructs.sagemaker_answers import AsynchronousAnswers
    from cdk_vllm.constructs.sagemaker_bucket import CapturedData
    from cdk_vllm.constructs.sagemaker_component import VllmInferenceComponent
    from cdk_vllm.constructs.sagemaker_dashboard import SageMakerDashboard
    from cdk_vllm.constructs.sagemaker_endpoint import VllmSageMakerEndpoint
    from cdk_vllm.constructs.sagemaker_shared_endpoint import VllmSharedEndpoint
    from cdk_vllm.constructs.service_logs import ServiceLogs
    from cdk_vllm.constructs.web_firewall import WebFirewall

_MODULES = {
    "AlarmTopics": "alarm_topics",
    "AsynchronousAnswers": "sagemaker_answers",
    "Audit": "audit",
    "BuiltImage": "image",
    "CapturedData": "sagemaker_bucket",
    "Collector": "collector",
    "DomainName": "front_door",
    "EcsAlarms": "ecs_alarms",
    "EcsDashboard": "ecs_dashboard",
    "EngineMetrics": "engine_metrics",
    "EnvironmentDashboard": "environment_dashboard",
    "EnvironmentWatch": "environment_watch",
    "ExistingImage": "image",
    "FrontDoor": "front_door",
    "GpuCapacity": "gpu_capacity",
    "HostAlarms": "host_alarms",
    "HostLog": "host_alarms",
    "ImageBuilder": "image",
    "IsolatedNetwork": "network",
    "LocallyBuiltImage": "image",
    "LogBucket": "log_bucket",
    "MetricsWorkspace": "metrics_workspace",
    "ModelStore": "model_store",
    "Network": "network",
    "PushJob": "push_job",
    "PrivateLink": "private_link",
    "Purchase": "gpu_capacity",
    "SageMakerAlarms": "sagemaker_alarms",
    "SageMakerDashboard": "sagemaker_dashboard",
    "ServiceLogs": "service_logs",
    "TokenIssuer": "front_door",
    "VllmEcsService": "ecs_service",
    "VllmInferenceComponent": "sagemaker_component",
    "VllmSageMakerEndpoint": "sagemaker_endpoint",
    "VllmSharedEndpoint": "sagemaker_shared_endpoint",
    "WebFirewall": "web_firewall",
}

__all__ = [
    "AlarmTopics",
    "AsynchronousAnswers",
    "Audit",
    "BuiltImage",
    "CapturedData",
    "Collector",
    "DomainName",
    "EcsAlarms",
    "EcsDashboard",
    "EngineMetrics",
    "EnvironmentDashboard",
    "EnvironmentWatch",
    "ExistingImage",
    "FrontDoor",
    "GpuCapacity",
    "HostAlarms",
    "HostLog",
    "ImageBuilder",
    "IsolatedNetwork",
    "LocallyBuiltImage",
    "LogBucket",
    "MetricsWorkspace",
    "ModelStore",
    "Network",
    "PrivateLink",
    "Purchase",
    "PushJob",
    "SageMakerAlarms",
    "SageMakerDashboard",
    "ServiceLogs",
    "TokenIssuer",
    "VllmEcsService",
    "VllmInferenceComponent",
    "VllmSageMakerEndpoint",
    "VllmSharedEndpoint",
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
