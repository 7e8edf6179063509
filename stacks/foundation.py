"""What an environment's services share and what must survive them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Duration, Fn, Stack, Token
from aws_cdk import aws_ec2 as ec2

from cdk_vllm import catalog
from cdk_vllm.constructs import (
    AlarmTopics,
    Audit,
    EnvironmentDashboard,
    EnvironmentWatch,
    ImageBuilder,
    IsolatedNetwork,
    LogBucket,
    MetricsWorkspace,
    ModelStore,
    Network,
    PushJob,
)
from cdk_vllm.constructs.collector import OTLP_REGIONS
from cdk_vllm.constructs.network import ECS_SERVICES, SAGEMAKER_SERVICES, inner_subnets
from stacks.acknowledgements import acknowledge
from stacks.service import collected

if TYPE_CHECKING:
    from constructs import Construct

    from cdk_vllm.environment_file import EnvironmentFile


class FoundationStack(Stack):
    """Protected against deletion; its buckets, keys and repositories are retained besides."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: EnvironmentFile
    ) -> None:
        self._zones_count = environment.network.availability_zones_count
        self.environment_file = environment
        super().__init__(
            scope,
            construct_id,
            termination_protection=True,
            description=f"{environment.name}: network, models, images and alarm topics for vLLM",
        )
        self.log_bucket = LogBucket(self, "Logs").bucket
        self.vpc = self._vpc(environment)
        self.models = ModelStore(
            self,
            "Models",
            log_bucket=self.log_bucket,
            s3_prefix_list_id=environment.network.s3_prefix_list_id
            or catalog.s3_prefix_list_id(environment.region),
        )
        self.image_builder = ImageBuilder(self, "Images")
        self.push_job = PushJob(
            self,
            "Push",
            models=self.models,
            encryption_key=self.image_builder.encryption_key,
            token_secret=environment.model_store.hugging_face_token_secret,
        )
        alarms = environment.alarms
        self.topics = AlarmTopics(
            self,
            "Alarms",
            email=alarms.email,
            webhook=alarms.webhook,
            slack_workspace_id=alarms.slack_workspace_id,
            slack_channel_id=alarms.slack_channel_id,
        )
        self.workspace = self._workspace(environment)
        self._watch(environment)
        self._keep_exports()
        CfnOutput(self, "ModelBucket", value=self.models.bucket.bucket_name)
        CfnOutput(self, "PushProject", value=self.push_job.project.project_name)
        CfnOutput(self, "PageTopic", value=self.topics.page.topic_arn)
        CfnOutput(self, "TicketTopic", value=self.topics.ticket.topic_arn)
        acknowledge(self)

    @property
    def availability_zones(self) -> list[str]:
        """The region's zones by position, so that no synth has to ask AWS for their names."""
        return [Fn.select(i, Fn.get_azs()) for i in range(self._zones_count)]

    def _vpc(self, environment: EnvironmentFile) -> ec2.IVpc:
        network = environment.network
        if network.private_subnet_ids:
            return ec2.Vpc.from_vpc_attributes(
                self,
                "Network",
                vpc_id=network.vpc_id or "",
                availability_zones=list(network.availability_zones),
                private_subnet_ids=list(network.private_subnet_ids),
            )
        if network.vpc_id:
            return ec2.Vpc.from_lookup(self, "Network", vpc_id=network.vpc_id)
        if network.isolated:
            return IsolatedNetwork(
                self,
                "Network",
                log_bucket=self.log_bucket,
                services=(*ECS_SERVICES, *SAGEMAKER_SERVICES, "aps-workspaces"),
                zones_count=network.availability_zones_count,
            ).vpc
        return Network(
            self,
            "Network",
            log_bucket=self.log_bucket,
            zones_count=network.availability_zones_count,
            nat_gateways=network.nat_gateways,
        ).vpc

    def _workspace(self, environment: EnvironmentFile) -> MetricsWorkspace | None:
        wanted = environment.metrics.prometheus
        if wanted is None:
            wanted = environment.region not in OTLP_REGIONS
        return MetricsWorkspace(self, "Metrics", topics=self.topics) if wanted else None

    def _watch(self, environment: EnvironmentFile) -> None:
        budget = environment.alarms.budget_usd_per_month
        EnvironmentWatch(self, "Watch", topics=self.topics, usd_per_month=budget)
        if environment.audit.data_events:
            Audit(
                self,
                "Audit",
                bucket=self.models.bucket,
                log_bucket=self.log_bucket,
                retention=Duration.days(environment.audit.retention_days),
            )
        EnvironmentDashboard(
            self,
            "Dashboard",
            stacks=[f"{environment.name}-{name}" for name in environment.services],
            collected=[f"{environment.name}-{name}" for name in collected(environment)],
        )

    def _keep_exports(self) -> None:
        """Export what any service may use, also when none does.

        Otherwise removing the last service of a kind from the environment file would remove an
        export while its stack, not yet deleted, still imports it, and no deployment would succeed.
        """
        builder, models = self.image_builder, self.models
        used = [
            self.log_bucket.bucket_name,
            self.vpc.vpc_id,
            *(subnet.subnet_id for subnet in inner_subnets(self.vpc)),
            models.bucket.bucket_name,
            models.bucket.bucket_arn,
            models.key.key_arn,
            builder.service_token,
            builder.project.project_name,
            builder.repository.repository_name,
            builder.repository.repository_arn,
            self.topics.page.topic_arn,
            self.topics.ticket.topic_arn,
        ]
        if self.workspace:
            workspace = self.workspace.workspace
            used += [workspace.attr_arn, workspace.attr_prometheus_endpoint, workspace.ref]
        for value in used:
            if Token.is_unresolved(value):
                self.export_value(value)
