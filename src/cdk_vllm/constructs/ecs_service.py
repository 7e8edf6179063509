"""vLLM as an ECS service on GPU instances, behind a front door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk_vllm.constructs.ecs_container import (
    CONTAINER,
    TaskContext,
    container_definition,
    prepare_definition,
    volumes,
)
from cdk_vllm.constructs.ecs_deployment import deployment_role
from cdk_vllm.constructs.ecs_scaling import scale_tasks
from cdk_vllm.constructs.gpu_capacity import GpuCapacity
from cdk_vllm.constructs.network import aws_services
from cdk_vllm.constructs.replica_scaling import add_schedule
from cdk_vllm.constructs.service_logs import ServiceLogs
from cdk_vllm.constructs.vllm_container import PORT
from cdk_vllm.errors import InputError
from cdk_vllm.sizing import timeouts_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdk_vllm.constructs.collector import Collector
    from cdk_vllm.constructs.front_door import FrontDoor
    from cdk_vllm.constructs.image import Image
    from cdk_vllm.constructs.model_store import ModelStore
    from cdk_vllm.sizing import Rollout, ServingPlan


DEPLOYMENT_ROLE = "DeploymentRole"


class VllmEcsService(Construct):
    """One model behind an OpenAI-compatible URL, with `plan.request.min_replicas` tasks or more.

    Before vLLM starts, the model in `models` is held against its manifest. Clients send the
    generated `api_key` as a bearer token, or, where the front door has a token issuer, its tokens:
    there is no key then. A deployment goes as `capacity.rollout` says, and is undone when two tasks
    fail to start, or when an alarm given to `roll_back_on` fires. Without `collector` nothing reads
    vLLM's own metrics, and scaling follows the load balancer's.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plan: ServingPlan,
        vpc: ec2.IVpc,
        models: ModelStore,
        image: Image,
        front_door: FrontDoor,
        capacity: GpuCapacity | None = None,
        collector: Collector | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.plan, self.front_door, self.collector = plan, front_door, collector
        s3 = models.network_peer
        self.capacity = capacity or GpuCapacity(self, "Capacity", plan=plan, vpc=vpc, s3=s3)
        self.logs = ServiceLogs(self, "Logs")
        self.api_key = None if front_door.token_issuer else self._api_key()
        self.task_role = self._role("TaskRole")
        self.execution_role = self._role("ExecutionRole")
        self._grant(models, image)
        self.security_group = self._security_group(vpc, s3)
        self.task_definition = self._task_definition(models, image)
        self.service = self._service()
        if plan.request.allow_interrupted_requests:
            # In the template, so that who checks it knows that a Spot notice may cut requests.
            Stack.of(self).add_metadata("cdk-vllm:interrupted-requests", "allowed")
        self.replicas = scale_tasks(
            self,
            plan,
            self.service,
            self.capacity.cluster,
            front_door,
            metrics=collector.metrics if collector else None,
        )

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` read the API key; that and a way into the VPC are all a caller needs.

        Raises:
            InputError: there is no key, because the front door checks tokens of its issuer.
        """
        if self.api_key is None:
            raise InputError(
                "there is no API key to grant: the front door checks tokens of "
                f"{self.front_door.token_issuer.issuer if self.front_door.token_issuer else ''}"
            )
        return self.api_key.grant_read(grantee)

    def _grant(self, models: ModelStore, image: Image) -> None:
        request = self.plan.request
        models.grant_read(self.task_role, request.model, request.revision)
        if request.lora:
            models.grant_read_adapters(self.task_role, request.service)
        if self.collector:
            self.collector.grant_publish(self.task_role)
            self.collector.grant_pull(self.execution_role)
        image.grant_pull(self.execution_role)
        if self.api_key:
            self.api_key.grant_read(self.execution_role)
        self.logs.log_group.grant_write(self.execution_role)

    def scale_on_schedule(
        self, name: str, *, schedule: str, min_replicas: int, max_replicas: int, timezone: str
    ) -> None:
        """Let other bounds hold from a time on: `cron(0 8 ? * MON-FRI *)` in `Europe/Berlin`."""
        bounds = (min_replicas, max_replicas)
        add_schedule(self.replicas, name, schedule=schedule, replicas=bounds, timezone=timezone)

    def metric_running_tasks(self) -> cloudwatch.Metric:
        """Return how many tasks run, from Container Insights."""
        return self._metric("RunningTaskCount")

    def metric_desired_tasks(self) -> cloudwatch.Metric:
        """Return how many tasks should run, from Container Insights."""
        return self._metric("DesiredTaskCount")

    def roll_back_on(self, alarms: Sequence[cloudwatch.IAlarm]) -> None:
        """Undo a deployment while any of `alarms` fires.

        An alarm on a metric of this service itself is refused by CloudFormation as a circle: the
        service would have to exist before it and after it.
        """
        self.service.add_property_override(
            "DeploymentConfiguration.Alarms",
            {
                "AlarmNames": [alarm.alarm_name for alarm in alarms],
                "Enable": True,
                "Rollback": True,
            },
        )

    def _api_key(self) -> secretsmanager.Secret:
        return secretsmanager.Secret(
            self,
            "ApiKey",
            description=f"The key clients of {self.plan.request.service} send as a bearer token",
            encryption_key=self.logs.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                exclude_punctuation=True, password_length=48
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _role(self, construct_id: str) -> iam.Role:
        stack = Stack.of(self)
        tasks = f"arn:{stack.partition}:ecs:{stack.region}:{stack.account}:*"
        return iam.Role(
            self,
            construct_id,
            assumed_by=iam.ServicePrincipal(
                "ecs-tasks.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {"aws:SourceArn": tasks},
                },
            ),
        )

    def _security_group(self, vpc: ec2.IVpc, s3: ec2.IPeer) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description="vLLM: from its load balancer, to S3",
            allow_all_outbound=False,
        )
        group.add_egress_rule(s3, ec2.Port.tcp(443), "Model weights from S3")
        if self.collector:
            group.add_egress_rule(aws_services(vpc), ec2.Port.tcp(443), "Metrics to CloudWatch")
        self.front_door.security_group.connections.allow_to(group, ec2.Port.tcp(PORT), "vLLM")
        return group

    def _task_definition(self, models: ModelStore, image: Image) -> ecs.CfnTaskDefinition:
        logs = self.logs.log_group.log_group_name
        context = TaskContext(
            image_uri=image.image_uri,
            models=models,
            api_key_arn=self.api_key.secret_arn if self.api_key else None,
            log_group_name=logs,
            region=Stack.of(self).region,
        )
        collectors = [self.collector.container_definition(logs)] if self.collector else []
        task = ecs.CfnTaskDefinition(
            self,
            "Task",
            requires_compatibilities=["EC2"],
            network_mode="awsvpc",
            task_role_arn=self.task_role.role_arn,
            execution_role_arn=self.execution_role.role_arn,
            volumes=volumes(self.plan),
            container_definitions=[
                container_definition(self.plan, context),
                prepare_definition(self.plan, context),
                *collectors,
            ],
        )
        # A task started before its roles may do anything fails, and counts against the deployment.
        task.node.add_dependency(self.task_role, self.execution_role)
        return task

    def _service(self) -> ecs.CfnService:
        timeouts = timeouts_for(self.plan)
        rollout = self.capacity.rollout
        kind = ecs.CfnService
        service = kind(
            self,
            "Service",
            cluster=self.capacity.cluster.cluster_arn,
            task_definition=self.task_definition.ref,
            # No desired count: CloudFormation would set it at every deployment, and a service that
            # has grown with its load would lose replicas. `scale_tasks` keeps the minimum.
            capacity_provider_strategy=[
                kind.CapacityProviderStrategyItemProperty(
                    capacity_provider=self.capacity.capacity_provider.ref, weight=1
                )
            ],
            network_configuration=kind.NetworkConfigurationProperty(
                awsvpc_configuration=kind.AwsVpcConfigurationProperty(
                    subnets=self.capacity.subnet_ids,
                    security_groups=[self.security_group.security_group_id],
                    assign_public_ip="DISABLED",
                )
            ),
            load_balancers=[
                kind.LoadBalancerProperty(
                    container_name=CONTAINER,
                    container_port=PORT,
                    target_group_arn=self.front_door.target_group.ref,
                    advanced_configuration=self._two_sets(),
                )
            ],
            health_check_grace_period_seconds=timeouts.health_check_grace_seconds,
            deployment_configuration=_deployment_configuration(rollout),
            # Enabled, it starts one more GPU task whenever it thinks fit.
            availability_zone_rebalancing=rollout.availability_zone_rebalancing,
            placement_strategies=[
                kind.PlacementStrategyProperty(
                    type="spread", field="attribute:ecs.availability-zone"
                ),
                kind.PlacementStrategyProperty(type="binpack", field="MEMORY"),
            ],
            enable_ecs_managed_tags=True,
            enable_execute_command=False,
            propagate_tags="SERVICE",
        )
        service.node.add_dependency(self.capacity.association, self.front_door.rule)
        if role := self.node.try_find_child(DEPLOYMENT_ROLE):
            service.node.add_dependency(role)
        return service

    def _two_sets(self) -> ecs.CfnService.AdvancedConfigurationProperty | None:
        """Where a deployment that runs two sets moves the traffic to, and as whom."""
        if self.capacity.rollout.deployment_strategy == "ROLLING":
            return None
        door = self.front_door
        alternate = door.add_alternate_target_group()
        role = deployment_role(
            self,
            DEPLOYMENT_ROLE,
            target_group_arns=[group.ref for group in door.target_groups],
            listener_arns=[door.listener.ref, door.rule.ref],
        )
        return ecs.CfnService.AdvancedConfigurationProperty(
            alternate_target_group_arn=alternate.ref,
            production_listener_rule=door.rule.ref,
            role_arn=role.role_arn,
        )

    def _metric(self, name: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="ECS/ContainerInsights",
            metric_name=name,
            dimensions_map={
                "ClusterName": self.capacity.cluster.cluster_name,
                "ServiceName": self.service.attr_name,
            },
            period=Duration.minutes(1),
            statistic="Minimum",
        )


def _deployment_configuration(
    rollout: Rollout,
) -> ecs.CfnService.DeploymentConfigurationProperty:
    kind = ecs.CfnService
    canary = rollout.canary_percent and kind.CanaryConfigurationProperty(
        canary_percent=rollout.canary_percent,
        canary_bake_time_in_minutes=rollout.canary_bake_time_minutes,
    )
    return kind.DeploymentConfigurationProperty(
        strategy=rollout.deployment_strategy,
        bake_time_in_minutes=rollout.bake_time_minutes,
        canary_configuration=canary or None,
        minimum_healthy_percent=rollout.minimum_healthy_percent,
        maximum_percent=rollout.maximum_percent,
        deployment_circuit_breaker=kind.DeploymentCircuitBreakerProperty(
            enable=True,
            rollback=True,
            reset_on_healthy_task=False,
            # ECS's own threshold waits for three failures, each a cold start of ten minutes.
            threshold_configuration=kind.ThresholdConfigurationProperty(type="COUNT", value=2),
        ),
    )
