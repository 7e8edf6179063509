"""The collector that runs beside vLLM in each task and publishes its metrics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk_vllm.constructs.collector_configuration import collector_configuration
from cdk_vllm.constructs.engine_metrics import EngineMetrics
from cdk_vllm.constructs.service_logs import ServiceLogs
from cdk_vllm.constructs.vllm_container import PORT

if TYPE_CHECKING:
    from cdk_vllm.constructs.image import ExistingImage
    from cdk_vllm.constructs.metrics_workspace import MetricsWorkspace

IMAGE = "public.ecr.aws/aws-observability/aws-otel-collector:v0.45.1"
"""AWS's distribution of the OpenTelemetry collector, at a fixed version."""
CONTAINER = "collector"
MEMORY_MIB = 256
OTLP_REGIONS = frozenset(
    {"ap-southeast-1", "ap-southeast-2", "eu-west-1", "us-east-1", "us-west-2"}
)
"""Where CloudWatch takes metrics by OTLP. Source: CloudWatch User Guide, "Send metrics using
OpenTelemetry", April 2026; in other regions percentiles need Amazon Managed Prometheus."""


class Collector(Construct):
    """A container that scrapes vLLM on localhost, and what it may do.

    It is not essential: without it requests are still answered, and the alarm on missing metrics
    tells. `name` is the service's in every metric. Histograms go to `workspace` if there is one,
    otherwise to CloudWatch where its region takes them. `image` is a copy of it, by digest.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        workspace: MetricsWorkspace | None = None,
        image: ExistingImage | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.metrics = EngineMetrics(name)
        self.workspace = workspace
        self.otlp = workspace is None and Stack.of(self).region in OTLP_REGIONS
        self._image = image
        # Every line is a metric as text; CloudWatch has read it by then.
        self.logs = ServiceLogs(self, "Metrics", retention=logs.RetentionDays.THREE_DAYS)
        self.log_group = self.logs.log_group

    def container_definition(
        self, log_group_name: str
    ) -> ecs.CfnTaskDefinition.ContainerDefinitionProperty:
        """Return the container for a task beside vLLM's; its own log goes to `log_group_name`."""
        kind = ecs.CfnTaskDefinition
        region = Stack.of(self).region
        configuration = json.dumps(self._configuration(), separators=(",", ":"))
        return kind.ContainerDefinitionProperty(
            name=CONTAINER,
            image=self._image.image_uri if self._image else IMAGE,
            essential=False,
            memory=MEMORY_MIB,
            version_consistency="enabled",
            environment=[
                kind.KeyValuePairProperty(name="AOT_CONFIG_CONTENT", value=configuration),
                kind.KeyValuePairProperty(name="AWS_REGION", value=region),
            ],
            user="65534:65534",
            privileged=False,
            readonly_root_filesystem=True,
            docker_security_options=["no-new-privileges"],
            linux_parameters=kind.LinuxParametersProperty(
                init_process_enabled=True,
                capabilities=kind.KernelCapabilitiesProperty(drop=["ALL"]),
            ),
            log_configuration=kind.LogConfigurationProperty(
                log_driver="awslogs",
                options={
                    "awslogs-group": log_group_name,
                    "awslogs-region": region,
                    "awslogs-stream-prefix": CONTAINER,
                    "mode": "non-blocking",
                    "max-buffer-size": "1m",
                },
            ),
        )

    def grant_pull(self, execution_role: iam.IRole) -> None:
        """Let the task's execution role pull the collector's image, where that is private."""
        if self._image:
            self._image.grant_pull(execution_role)

    def grant_publish(self, task_role: iam.IRole) -> None:
        """Let the task write its metrics, and nothing else."""
        iam.Grant.add_to_principal(
            grantee=task_role,
            actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resource_arns=[self.log_group.log_group_arn],
        )
        if self.otlp:
            # PutMetricData has no resource, and metrics by OTLP have no namespace to hold it to.
            iam.Grant.add_to_principal(
                grantee=task_role, actions=["cloudwatch:PutMetricData"], resource_arns=["*"]
            )
        if self.workspace:
            self.workspace.grant_write(task_role)

    def _configuration(self) -> dict[str, object]:
        return collector_configuration(
            name=self.metrics.name,
            port=PORT,
            region=Stack.of(self).region,
            log_group_name=self.log_group.log_group_name,
            otlp=self.otlp,
            remote_write_url=self.workspace.remote_write_url if self.workspace else None,
        )
