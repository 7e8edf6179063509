"""Metrics that AWS publishes by themselves: a misspelt one has no data, and its alarm no say.

Sources: the CloudWatch metrics chapters of the Elastic Load Balancing, Amazon ECS, Amazon
SageMaker, Amazon EC2 Auto Scaling and AWS Certificate Manager guides; only what a service that
answers requests is watched by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.alarm_definitions import ALARM, metrics_of
from cdk_vllm.checks.template import Finding, Template, as_list, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMES: Mapping[str, tuple[str, ...]] = {
    "/aws/sagemaker/Endpoints": (
        "CPUUtilization", "CPUUtilizationNormalized", "DiskUtilization", "GPUMemoryUtilization",
        "GPUMemoryUtilizationNormalized", "GPUUtilization", "GPUUtilizationNormalized",
        "MemoryUtilization", "MemoryUtilizationNormalized",
    ),
    "AWS/ApplicationELB": (
        "ActiveConnectionCount", "AnomalousHostCount", "ClientTLSNegotiationErrorCount",
        "ConsumedLCUs", "HTTPCode_ELB_3XX_Count", "HTTPCode_ELB_4XX_Count",
        "HTTPCode_ELB_500_Count", "HTTPCode_ELB_502_Count", "HTTPCode_ELB_503_Count",
        "HTTPCode_ELB_504_Count", "HTTPCode_ELB_5XX_Count", "HTTPCode_Target_2XX_Count",
        "HTTPCode_Target_3XX_Count", "HTTPCode_Target_4XX_Count", "HTTPCode_Target_5XX_Count",
        "HealthyHostCount", "NewConnectionCount", "ProcessedBytes", "RejectedConnectionCount",
        "RequestCount", "RequestCountPerTarget", "TargetConnectionErrorCount",
        "TargetResponseTime", "UnHealthyHostCount",
    ),
    "AWS/AutoScaling": (
        "GroupDesiredCapacity", "GroupInServiceInstances", "GroupMaxSize", "GroupMinSize",
        "GroupPendingInstances", "GroupTerminatingInstances", "GroupTotalInstances",
        "WarmPoolWarmedCapacity",
    ),
    "AWS/CertificateManager": ("DaysToExpiry",),
    "AWS/SageMaker": (
        "ConcurrentRequestsPerModel", "FirstChunkLatency", "Invocation4XXErrors",
        "Invocation5XXErrors", "InvocationModelErrors", "Invocations", "InvocationsPerInstance",
        "ModelLatency", "NoCapacityInvocationFailures", "OverheadLatency",
    ),
    "ECS/ContainerInsights": (
        "ContainerInstanceCount", "CpuReserved", "CpuUtilized", "DeploymentCount",
        "DesiredTaskCount", "EBSFilesystemSize", "EBSFilesystemUtilized", "GPUReservation",
        "MemoryReserved", "MemoryUtilized", "PendingTaskCount", "RestartCount",
        "RunningTaskCount", "ServiceCount", "StorageReadBytes", "StorageWriteBytes", "TaskCount",
        "TaskMemoryUtilization", "instance_cpu_utilization", "instance_filesystem_utilization",
        "instance_memory_utilization",
    ),
}  # fmt: skip
DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "/aws/sagemaker/Endpoints": ("EndpointName", "InstanceId", "VariantName"),
    "AWS/ApplicationELB": ("AvailabilityZone", "LoadBalancer", "TargetGroup"),
    "AWS/AutoScaling": ("AutoScalingGroupName",),
    "AWS/CertificateManager": ("CertificateArn",),
    "AWS/SageMaker": ("EndpointName", "InferenceComponentName", "InstanceType", "VariantName"),
    "ECS/ContainerInsights": (
        "CapacityProviderName", "ClusterName", "ContainerInstanceId", "EC2InstanceId", "InstanceId",
        "ServiceName", "TaskDefinitionFamily",
    ),
}  # fmt: skip


def metrics_are_published(template: Template) -> Iterator[Finding]:
    """AWS takes any name for a metric; one that nobody publishes is an alarm that stays quiet."""
    for alarm in template.of(ALARM):
        if "PromQL" in str(alarm.properties):
            continue
        for metric in metrics_of(alarm):
            for message in _faults(metric):
                yield report(metrics_are_published, alarm, message)


def _faults(metric: Mapping[str, Any]) -> Iterator[str]:
    space, name = str(metric.get("Namespace")), str(metric.get("MetricName"))
    if space not in NAMES:
        # A namespace of one's own has its owner's name before a slash, as AWS's have.
        if "/" not in space and space != "CWAgent":
            yield f"{space} is no namespace"
        return
    if name not in NAMES[space]:
        yield f"{space} has no metric {name}"
    for dimension in as_list(metric.get("Dimensions")):
        if dimension.get("Name") not in DIMENSIONS[space]:
            yield f"{space} has no dimension {dimension.get('Name')}"


RULES = (metrics_are_published,)
