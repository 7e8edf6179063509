"""Alarms on the GPU instances of one ECS service: broken, full, or idle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk_vllm.constructs.alarm import ABOVE, BELOW, NO_DATA_IS_FINE, alarm
from cdk_vllm.constructs.host_agent import (
    GROUP_DIMENSION,
    NAMESPACE,
    agent_user_data,
    xid_filter_pattern,
)
from cdk_vllm.constructs.service_logs import ServiceLogs

if TYPE_CHECKING:
    from cdk_vllm.constructs.alarm_topics import AlarmTopics
    from cdk_vllm.constructs.engine_metrics import EngineMetrics
    from cdk_vllm.observability import AlarmThresholds

XID_METRIC = "gpu_hardware_errors"
_PERCENT = 100


class HostLog(Construct):
    """Where instances report hardware errors to, the permission to, and what makes them do so.

    It exists before the instances do, because its name stands in their user data.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.log_group = ServiceLogs(self, "Logs").log_group

    def user_data(self, *, disk: str) -> str:
        """Return the lines to append to an instance's user data; `disk` holds the caches."""
        name = self.log_group.log_group_name
        return agent_user_data(log_group_name=name, disk=disk, region=Aws.REGION)

    def grant_report(self, instance_role: iam.IGrantable) -> None:
        """Let an instance write its metrics and its hardware errors, and nothing else."""
        iam.Grant.add_to_principal(
            grantee=instance_role,
            actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resource_arns=[self.log_group.log_group_arn],
        )
        # PutMetricData has no resource; the condition holds it to one namespace.
        iam.Grant.add_to_principal(
            grantee=instance_role,
            actions=["cloudwatch:PutMetricData"],
            resource_arns=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
        )
        # The agent looks up the Auto Scaling group's name, which is a tag of the instance.
        iam.Grant.add_to_principal(
            grantee=instance_role, actions=["ec2:DescribeTags"], resource_arns=["*"]
        )


class HostAlarms(Construct):
    """A page for GPU hardware errors, tickets for full memory or disks and for idle GPUs.

    `group_name` is the Auto Scaling group's. Low utilisation counts only while requests run: an
    hour of work that leaves the GPU idle is money, not a fault; what runs is known only where a
    collector reads it (`collected`).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        group_name: str,
        log: HostLog,
        metrics: EngineMetrics,
        topics: AlarmTopics,
        thresholds: AlarmThresholds,
        collected: bool = True,
    ) -> None:
        super().__init__(scope, construct_id)
        self._group, self._topics, self._limits = group_name, topics, thresholds
        self.hardware = self._hardware(log, topics, metrics.name)
        self._full("HostMemory", "mem_used_percent", thresholds.host_memory)
        self._full("HostDisk", "disk_used_percent", thresholds.host_disk)
        if collected:
            self._idle(metrics)

    def _hardware(self, log: HostLog, topics: AlarmTopics, service_name: str) -> cloudwatch.Alarm:
        # The service's name keeps services apart: a filter's metric can have no dimension of ours.
        name = f"{XID_METRIC}/{service_name}"
        logs.CfnMetricFilter(
            self,
            "Xid",
            log_group_name=log.log_group.log_group_name,
            filter_pattern=xid_filter_pattern(),
            metric_transformations=[
                logs.CfnMetricFilter.MetricTransformationProperty(
                    metric_namespace=NAMESPACE, metric_name=name, metric_value="1"
                )
            ],
        )
        return alarm(
            self,
            "GpuHardware",
            cloudwatch.Metric(
                namespace=NAMESPACE,
                metric_name=name,
                statistic="Sum",
                period=Duration.minutes(1),
            ),
            fires=(ABOVE, 0),
            periods=(1, 1),
            missing=NO_DATA_IS_FINE,
            description=(
                "The driver reports a broken GPU (Xid). The instance drains itself: see that its "
                "tasks start elsewhere, then terminate it and tell AWS support its id."
            ),
            topic=topics.page,
        )

    def _full(self, construct_id: str, name: str, share: float) -> None:
        alarm(
            self,
            construct_id,
            self._metric(name, "Maximum"),
            fires=(ABOVE, share * _PERCENT),
            periods=(5, 5),
            missing=NO_DATA_IS_FINE,
            description=(
                f"{name} of an instance is high: soon vLLM is stopped, or no image fits. Look at "
                "what grows; drain and terminate the instance if it is not vLLM."
            ),
            topic=self._topics.ticket,
        )

    def _idle(self, metrics: EngineMetrics) -> None:
        busy = self._metric("nvidia_smi_utilization_gpu", "Average", minutes=60)
        running = metrics.metric("vllm:num_requests_running", "Average", minutes=60)
        expression = cloudwatch.MathExpression(
            expression="IF(running > 0.5, busy, 100)",
            using_metrics={"busy": busy, "running": running},
            label="GPU utilisation while requests run",
            period=Duration.minutes(60),
        )
        alarm(
            self,
            "GpuIdle",
            expression,
            fires=(BELOW, self._limits.gpu_utilization * _PERCENT),
            periods=(1, 1),
            missing=NO_DATA_IS_FINE,
            description=(
                "GPUs idle although requests run: the instance is larger than the load, or the "
                "CPU holds it back. Lower replicas.min, or plan with fewer concurrent_requests."
            ),
            topic=self._topics.ticket,
        )

    def _metric(self, name: str, statistic: str, minutes: int = 1) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={GROUP_DIMENSION: self._group},
            statistic=statistic,
            period=Duration.minutes(minutes),
        )
