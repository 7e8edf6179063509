"""vLLM on a SageMaker real-time endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Names, Stack
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from cdk_vllm.constructs.sagemaker_role import execution_role
from cdk_vllm.constructs.service_logs import ServiceLogs
from cdk_vllm.constructs.vllm_container import sagemaker_environment
from cdk_vllm.sizing import timeouts_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdk_vllm.constructs.image import Image
    from cdk_vllm.constructs.model_store import ModelStore
    from cdk_vllm.sizing import ServingPlan

VARIANT = "vllm"
INFERENCE_AMI = "al2023-ami-sagemaker-inference-gpu-4-1"
"""Driver 580, CUDA 13: vLLM's image since 0.20 starts on no older one."""

SCALE_AT = 0.7  # of what a replica is sized for; the rest covers the cold start
BAKE_SECONDS = 600
MAX_ROLLOUT_SECONDS = 28800
MAX_VOLUME_GB = 512


class VllmSageMakerEndpoint(Construct):
    """One model behind `InvokeEndpoint`, with `plan.request.min_replicas` instances or more.

    SageMaker copies the weights from `models` to the instance; the container itself has no network.
    An update starts new instances beside the old ones, and undoes itself when an alarm given to
    `roll_back_on` fires. `endpoint_name` is fixed and in lower case, as it is in the endpoint's
    ARN: its log group, alarms and callers are set up before it exists.
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
    ) -> None:
        super().__init__(scope, construct_id)
        self.plan = plan
        name = Names.unique_resource_name(self, max_length=63, separator="-")
        self.endpoint_name = name.lower()
        self.logs = ServiceLogs(
            self, "Logs", log_group_name=f"/aws/sagemaker/Endpoints/{self.endpoint_name}"
        )
        self.role = execution_role(self, "Role", logs=self.logs)
        models.grant_read(self.role, plan.request.model, plan.request.revision)
        image.grant_pull(self.role)
        self.security_group = self._security_group(vpc)
        self.model = self._model(vpc, models, image)
        self.config = self._config()
        self.endpoint = self._endpoint()
        self._scaling()

    @property
    def openai_base_url(self) -> str:
        """Where OpenAI clients with a SageMaker bearer token send their requests."""
        stack = Stack.of(self)
        host = f"runtime.sagemaker.{stack.region}.{stack.url_suffix}"
        return f"https://{host}/endpoints/{self.endpoint_name}/openai/v1"

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` call the model, whole answers and streams; bearer tokens are not granted.

        A caller reaches every route of vLLM's server, not the OpenAI ones alone.
        """
        stack = Stack.of(self)
        endpoint = (
            f"arn:{stack.partition}:sagemaker:{stack.region}:{stack.account}:endpoint/"
            f"{self.endpoint_name}"
        )
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"],
            resource_arns=[endpoint],
        )

    def metric(self, name: str, statistic: str, **options: object) -> cloudwatch.Metric:
        """Return a metric of `AWS/SageMaker` for this endpoint; `options` are `Metric`'s own."""
        return cloudwatch.Metric(
            **{  # type: ignore[arg-type]
                "namespace": "AWS/SageMaker",
                "metric_name": name,
                "statistic": statistic,
                "dimensions_map": {"EndpointName": self.endpoint_name, "VariantName": VARIANT},
                **options,
            }
        )

    def roll_back_on(self, alarms: Sequence[cloudwatch.IAlarm]) -> None:
        """Undo an update while any of `alarms` fires."""
        self.endpoint.add_property_override(
            "DeploymentConfig.AutoRollbackConfiguration.Alarms",
            [{"AlarmName": alarm.alarm_name} for alarm in alarms],
        )

    def _security_group(self, vpc: ec2.IVpc) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description="SageMaker endpoint: to S3, nothing in",
            allow_all_outbound=False,
        )
        # S3's addresses differ by region and have no name in a template; TLS is all that is left.
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "Model weights from S3")
        return group

    def _model(self, vpc: ec2.IVpc, models: ModelStore, image: Image) -> sagemaker.CfnModel:
        kind = sagemaker.CfnModel
        request = self.plan.request
        subnets = vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
        source = kind.S3DataSourceProperty(
            s3_uri=models.model_uri(request.model, request.revision),
            s3_data_type="S3Prefix",
            compression_type="None",
        )
        model = kind(
            self,
            "Model",
            execution_role_arn=self.role.role_arn,
            enable_network_isolation=True,
            vpc_config=kind.VpcConfigProperty(
                subnets=subnets.subnet_ids,
                security_group_ids=[self.security_group.security_group_id],
            ),
            primary_container=kind.ContainerDefinitionProperty(
                image=image.image_uri,
                environment=sagemaker_environment(self.plan),
                model_data_source=kind.ModelDataSourceProperty(s3_data_source=source),
            ),
        )
        model.node.add_dependency(self.role)
        return model

    def _config(self) -> sagemaker.CfnEndpointConfig:
        """No name: an update replaces it. No KMS key: instances with NVMe disks refuse one."""
        kind = sagemaker.CfnEndpointConfig
        startup = timeouts_for(self.plan).engine_ready_timeout_seconds
        return kind(
            self,
            "Config",
            production_variants=[
                kind.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=self.model.attr_model_name,
                    instance_type=self.plan.instance_type,
                    initial_instance_count=self.plan.request.min_replicas,
                    initial_variant_weight=1,
                    inference_ami_version=INFERENCE_AMI,
                    container_startup_health_check_timeout_in_seconds=startup,
                    model_data_download_timeout_in_seconds=startup,
                    routing_config=kind.RoutingConfigProperty(
                        routing_strategy="LEAST_OUTSTANDING_REQUESTS"
                    ),
                    enable_ssm_access=False,
                    volume_size_in_gb=self._volume_size_gb(),
                )
            ],
        )

    def _volume_size_gb(self) -> int | None:
        """SageMaker takes a size only where the instance has no disk of its own."""
        if self.plan.local_nvme_gb:
            return None
        return min(MAX_VOLUME_GB, 100 + round(1.5 * self.plan.weights_total_gib))

    def _endpoint(self) -> sagemaker.CfnEndpoint:
        kind = sagemaker.CfnEndpoint
        endpoint = kind(
            self,
            "Endpoint",
            endpoint_name=self.endpoint_name,
            endpoint_config_name=self.config.attr_endpoint_config_name,
            # An update keeps the instances that scaling has added.
            retain_all_variant_properties=True,
            deployment_config=kind.DeploymentConfigProperty(
                blue_green_update_policy=kind.BlueGreenUpdatePolicyProperty(
                    traffic_routing_configuration=self._traffic_routing(),
                    termination_wait_in_seconds=0,
                    maximum_execution_timeout_in_seconds=self._max_rollout_seconds(),
                )
            ),
        )
        endpoint.node.add_dependency(self.logs)
        return endpoint

    def _traffic_routing(self) -> sagemaker.CfnEndpoint.TrafficRoutingConfigProperty:
        """Try the new model on one instance first, where there is more than one."""
        kind = sagemaker.CfnEndpoint
        if self.plan.request.min_replicas == 1:
            return kind.TrafficRoutingConfigProperty(
                type="ALL_AT_ONCE", wait_interval_in_seconds=BAKE_SECONDS
            )
        return kind.TrafficRoutingConfigProperty(
            type="CANARY",
            canary_size=kind.CapacitySizeProperty(type="INSTANCE_COUNT", value=1),
            wait_interval_in_seconds=BAKE_SECONDS,
        )

    def _max_rollout_seconds(self) -> int:
        # Download and start may each take their whole time-out, for the canary and for the rest.
        startup = timeouts_for(self.plan).engine_ready_timeout_seconds
        return min(MAX_ROLLOUT_SECONDS, 4 * startup + 2 * BAKE_SECONDS)

    def _scaling(self) -> None:
        request, timeouts = self.plan.request, timeouts_for(self.plan)
        target = appscaling.CfnScalableTarget(
            self,
            "Replicas",
            service_namespace="sagemaker",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            resource_id=f"endpoint/{self.endpoint.attr_endpoint_name}/variant/{VARIANT}",
            min_capacity=request.min_replicas,
            max_capacity=request.max_replicas,
        )
        policy = appscaling.CfnScalingPolicy
        metric = policy.PredefinedMetricSpecificationProperty(
            predefined_metric_type="SageMakerVariantConcurrentRequestsPerModelHighResolution"
        )
        policy(
            self,
            "RequestsAtOnce",
            policy_name="requests-at-once",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=(
                policy.TargetTrackingScalingPolicyConfigurationProperty(
                    target_value=max(1, round(SCALE_AT * request.workload.concurrent_requests)),
                    scale_out_cooldown=timeouts.scale_out_cooldown_seconds,
                    scale_in_cooldown=timeouts.scale_in_cooldown_seconds,
                    predefined_metric_specification=metric,
                )
            ),
        )
