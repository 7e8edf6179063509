"""Metrics that somebody publishes: a misspelt one has no data, and its alarm no say.

Sources: the CloudWatch metrics chapters of the Elastic Load Balancing, Amazon ECS, Amazon
SageMaker, Amazon EC2 Auto Scaling and AWS Certificate Manager guides; only what a service that
answers requests is watched by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cdk_vllm.checks.collector import Collector, collectors
from cdk_vllm.checks.hosts import agents
from cdk_vllm.checks.measuring import measuring, metrics_of
from cdk_vllm.checks.template import Finding, Template, as_list, dig, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMES: Mapping[str, tuple[str, ...]] = {
    "/aws/sagemaker/Endpoints": (
        "CPUUtilization", "CPUUtilizationNormalized", "DiskUtilization", "GPUMemoryUtilization",
        "GPUMemoryUtilizationNormalized", "GPUUtilization", "GPUUtilizationNormalized",
        "MemoryUtilization", "MemoryUtilizationNormalized",
    ),
    "/aws/sagemaker/InferenceComponents": (
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
        "ApproximateAgeOfOldestRequest", "ApproximateBacklogSize",
        "ApproximateBacklogSizePerInstance", "ConcurrentRequestsPerCopy",
        "ConcurrentRequestsPerModel", "FirstChunkLatency", "HasBacklogWithoutCapacity",
        "Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors", "Invocations",
        "InvocationsPerInstance", "ModelLatency", "NoCapacityInvocationFailures", "OverheadLatency",
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
    "/aws/sagemaker/InferenceComponents": ("InferenceComponentName", "InstanceId"),
    "AWS/ApplicationELB": ("AvailabilityZone", "LoadBalancer", "TargetGroup"),
    "AWS/AutoScaling": ("AutoScalingGroupName",),
    "AWS/CertificateManager": ("CertificateArn",),
    "AWS/SageMaker": ("EndpointName", "InferenceComponentName", "InstanceType", "VariantName"),
    "ECS/ContainerInsights": (
        "CapacityProviderName", "ClusterName", "ContainerInstanceId", "EC2InstanceId", "InstanceId",
        "ServiceName", "TaskDefinitionFamily",
    ),
}  # fmt: skip

PREFIXES = {"nvidia_gpu": "nvidia_smi"}


def metrics_are_published(template: Template) -> Iterator[Finding]:
    """AWS takes any name for a metric; one that nobody publishes is an alarm that stays quiet."""
    own = Publishers.of(template)
    for resource in measuring(template):
        for metric in metrics_of(resource):
            space = str(metric.get("Namespace"))
            faults = _faults(metric) if space in NAMES else own.faults(metric)
            for message in faults:
                yield report(metrics_are_published, resource, message)


def _faults(metric: Mapping[str, Any]) -> Iterator[str]:
    space, name = str(metric.get("Namespace")), str(metric.get("MetricName"))
    if name not in NAMES[space]:
        yield f"{space} has no metric {name}"
    for dimension in as_list(metric.get("Dimensions")):
        if dimension.get("Name") not in DIMENSIONS[space]:
            yield f"{space} has no dimension {dimension.get('Name')}"


class Publishers(NamedTuple):
    """What publishes metrics of its own in a template: collectors, agents and log filters."""

    collectors: list[Collector]
    agents: list[dict[str, Any]]
    filtered: set[tuple[str, str]]

    @classmethod
    def of(cls, template: Template) -> Publishers:
        """Return those of a template."""
        filtered = {
            (str(change.get("MetricNamespace")), str(change.get("MetricName")))
            for metric_filter in template.of("AWS::Logs::MetricFilter")
            for change in as_list(metric_filter.get("MetricTransformations"))
        }
        return cls(list(collectors(template)), list(agents(template)), filtered)

    @property
    def _spaces(self) -> set[str]:
        found = {str(dig(agent, "metrics.namespace")) for agent in self.agents}
        for collector in self.collectors:
            found.add(str(dig(collector.exporter("awsemf"), "namespace")))
        return found | {space for space, _ in self.filtered}

    def faults(self, metric: Mapping[str, Any]) -> Iterator[str]:
        """Yield why nobody publishes a metric of a namespace that is not AWS's."""
        space, name = str(metric.get("Namespace")), str(metric.get("MetricName"))
        if space not in self._spaces:
            # A team's own has its owner's name before a slash, as AWS's have.
            if self._spaces or ("/" not in space and space != "CWAgent"):
                yield f"nobody publishes to {space}"
        elif (space, name) not in self.filtered:
            given = {str(d.get("Name")): d.get("Value") for d in as_list(metric.get("Dimensions"))}
            if not any(self._is_published(space, name, given, c) for c in self.collectors) and not (
                any(_reports(agent, space, name, given) for agent in self.agents)
            ):
                yield f"nobody publishes {name} of {sorted(given)} to {space}"

    def _is_published(
        self, space: str, name: str, given: dict[str, Any], collector: Collector
    ) -> bool:
        return (
            dig(collector.exporter("awsemf"), "namespace") == space
            and collector.publishes(name)
            and given == {"service": collector.service}
        )


def _reports(agent: dict[str, Any], space: str, name: str, given: dict[str, Any]) -> bool:
    """Tell whether CloudWatch's agent publishes a metric under these dimensions.

    Source: CloudWatch User Guide, "Metrics collected by the CloudWatch agent".
    """
    collected = dig(agent, "metrics.metrics_collected", {})
    names = {
        measured if measured.startswith(f"{prefix}_") else f"{prefix}_{measured}"
        for kind, settings in collected.items()
        for prefix in (PREFIXES.get(kind, kind),)
        for measured in as_list(dig(settings, "measurement"))
    }
    kept = [sorted(d) for d in as_list(dig(agent, "metrics.aggregation_dimensions"))]
    return dig(agent, "metrics.namespace") == space and name in names and sorted(given) in kept


RULES = (metrics_are_published,)
