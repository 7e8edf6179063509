"""One model on shared SageMaker instances: its copies, its adapters, and how it scales to zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Names
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from cdk_vllm.constructs import sagemaker_scaling as scaling
from cdk_vllm.constructs.sagemaker_callers import (
    WHOLE_OR_STREAMED,
    component_arn,
    endpoint_arn,
    grant_bearer_tokens,
    grant_call,
    openai_base_url,
)
from cdk_vllm.constructs.sagemaker_model import sagemaker_model, streams_weights
from cdk_vllm.constructs.sagemaker_role import execution_role
from cdk_vllm.constructs.sagemaker_variant import VARIANT
from cdk_vllm.constructs.service_logs import ServiceLogs
from cdk_vllm.errors import InputError
from cdk_vllm.sizing import components, timeouts_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_applicationautoscaling as appscaling
    from aws_cdk import aws_s3 as s3

    from cdk_vllm.constructs.image import Image
    from cdk_vllm.constructs.model_store import ModelStore
    from cdk_vllm.constructs.sagemaker_shared_endpoint import VllmSharedEndpoint
    from cdk_vllm.sizing import ServingPlan

BAKE_SECONDS = 300
ENDPOINTS, COMPONENTS = "/aws/sagemaker/Endpoints", "/aws/sagemaker/InferenceComponents"

_Kind = sagemaker.CfnInferenceComponent


class VllmInferenceComponent(Construct):
    """A model with `copies` (fewest, most) on the GPUs of a `VllmSharedEndpoint`.

    With 0 as the fewest the model stops when nobody asks: the next caller gets an error, an alarm
    starts a copy, and answers come once it has loaded. Callers name `component_name`. Use
    `VllmSharedEndpoint.add_model`, which sees that everything fits.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plan: ServingPlan,
        endpoint: VllmSharedEndpoint,
        models: ModelStore,
        image: Image,
        copies: tuple[int, int],
    ) -> None:
        super().__init__(scope, construct_id)
        _check(plan, endpoint, copies)
        self.plan, self._endpoint, self._copies = plan, endpoint, copies
        name = Names.unique_resource_name(self, max_length=63, separator="-")
        self.component_name, self.endpoint_name = name.lower(), endpoint.endpoint_name
        self.logs = ServiceLogs(self, "Logs", log_group_name=f"{COMPONENTS}/{self.component_name}")
        self.role = execution_role(self, "Role", logs=self.logs)
        # Whose role fetches weights and image, the model's or its endpoint's, AWS does not say.
        for role in (self.role, endpoint.role):
            models.grant_read(role, plan.request.model, plan.request.revision)
            image.grant_pull(role)
        self._callers: list[iam.IGrantable] = []
        self._arns = [
            endpoint_arn(self, self.endpoint_name),
            component_arn(self, self.component_name),
        ]
        self.model = self._model(models, image)
        self.component = self._component()
        self.replicas = self._scaling()

    @property
    def openai_base_url(self) -> str:
        """Where OpenAI clients with a SageMaker bearer token send this model's requests."""
        return openai_base_url(self, self.endpoint_name, self.component_name)

    @property
    def usd_per_hour(self) -> float | None:
        """What one copy costs while it runs: its share of an instance; `None` where unknown."""
        return components.usd_per_hour(self.plan)

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` call this model and its adapters, later ones too, and none beside it."""
        self._callers.append(grantee)
        return grant_call(grantee, self._arns, *WHOLE_OR_STREAMED)

    def grant_bearer_tokens(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` make tokens for OpenAI clients, which are good for twelve hours at most."""
        return grant_bearer_tokens(grantee, self._arns)

    def scale_on_schedule(
        self, name: str, *, schedule: str, min_copies: int, max_copies: int, timezone: str
    ) -> None:
        """Let other bounds hold from a time on: `cron(0 8 ? * MON-FRI *)` in `Europe/Berlin`."""
        bounds = (min_copies, max_copies)
        scaling.add_schedule(
            self.replicas, name, schedule=schedule, replicas=bounds, timezone=timezone
        )
        if min_copies == 0:
            self._wake_from_zero(self.replicas)

    def metric(self, name: str, statistic: str, **options: object) -> cloudwatch.Metric:
        """Return a metric of this model's copies; `options` are `Metric`'s own."""
        if options.get("namespace") == ENDPOINTS:
            options["namespace"] = COMPONENTS
        return cloudwatch.Metric(
            **{  # type: ignore[arg-type]
                "namespace": "AWS/SageMaker",
                "metric_name": name,
                "statistic": statistic,
                "dimensions_map": {"InferenceComponentName": self.component_name},
                **options,
            }
        )

    def roll_back_on(self, alarms: Sequence[cloudwatch.IAlarm]) -> None:
        """Undo an update of this model while any of `alarms` fires."""
        self.component.add_property_override(
            "DeploymentConfig.AutoRollbackConfiguration.Alarms",
            [{"AlarmName": alarm.alarm_name} for alarm in alarms],
        )

    def add_adapter(
        self, construct_id: str, *, bucket: s3.IBucket, key: str
    ) -> sagemaker.CfnInferenceComponent:
        """Serve a LoRA adapter, a `.tar.gz` at `key`, on this model's copies; it takes no GPU.

        Callers name the returned component. SageMaker loads it through the container's own route,
        which nobody but SageMaker reaches.

        Raises:
            InputError: the plan reserves no room for adapters.
        """
        if not self.plan.engine_args.get("enable_lora"):
            raise InputError(
                f"{self.plan.request.model} has no room for adapters; plan it with "
                "enable_lora = true, max_loras and max_lora_rank among its engine options"
            )
        environment = "PrimaryContainer.Environment.VLLM_ALLOW_RUNTIME_LORA_UPDATING"
        self.model.add_property_override(environment, "True")
        for role in (self.role, self._endpoint.role):
            iam.Grant.add_to_principal(
                grantee=role, actions=["s3:GetObject"], resource_arns=[bucket.arn_for_objects(key)]
            )
        adapter = _Kind(
            self,
            construct_id,
            endpoint_name=self._endpoint.endpoint.attr_endpoint_name,
            specification=_Kind.InferenceComponentSpecificationProperty(
                base_inference_component_name=self.component_name,
                container=_Kind.InferenceComponentContainerSpecificationProperty(
                    artifact_url=f"s3://{bucket.bucket_name}/{key}"
                ),
            ),
        )
        adapter.node.add_dependency(self.component)
        self._arns.append(adapter.attr_inference_component_arn)
        for caller in self._callers:
            grant_call(caller, self._arns[-1:], *WHOLE_OR_STREAMED)
        return adapter

    def _model(self, models: ModelStore, image: Image) -> sagemaker.CfnModel:
        return sagemaker_model(
            self,
            "Model",
            plan=self.plan,
            role=self.role,
            models=models,
            image=image,
            isolated=self._endpoint.isolated,
            vpc_config=self._endpoint.vpc_config,
        )

    def _component(self) -> sagemaker.CfnInferenceComponent:
        startup = timeouts_for(self.plan).engine_ready_timeout_seconds
        specification = _Kind.InferenceComponentSpecificationProperty(
            model_name=self.model.attr_model_name,
            compute_resource_requirements=_Kind.InferenceComponentComputeResourceRequirementsProperty(
                number_of_accelerator_devices_required=self.plan.tensor_parallel_size,
                min_memory_required_in_mb=components.host_memory_mib(self.plan),
            ),
            startup_parameters=_Kind.InferenceComponentStartupParametersProperty(
                container_startup_health_check_timeout_in_seconds=startup,
                model_data_download_timeout_in_seconds=startup,
            ),
            scheduling_config=_Kind.InferenceComponentSchedulingConfigProperty(
                placement_strategy="SPREAD",
                availability_zone_balance=_Kind.InferenceComponentAvailabilityZoneBalanceProperty(
                    enforcement_mode="PERMISSIVE"
                ),
            ),
            data_cache_config=_Kind.InferenceComponentDataCacheConfigProperty(enable_caching=True),
        )
        one = _Kind.InferenceComponentCapacitySizeProperty(type="COPY_COUNT", value=1)
        return _Kind(
            self,
            "Component",
            inference_component_name=self.component_name,
            endpoint_name=self._endpoint.endpoint.attr_endpoint_name,
            variant_name=VARIANT,
            specification=specification,
            runtime_config=_Kind.InferenceComponentRuntimeConfigProperty(
                copy_count=max(1, self._copies[0])
            ),
            deployment_config=_Kind.InferenceComponentDeploymentConfigProperty(
                rolling_update_policy=_Kind.InferenceComponentRollingUpdatePolicyProperty(
                    maximum_batch_size=one,
                    wait_interval_in_seconds=BAKE_SECONDS,
                )
            ),
        )

    def _scaling(self) -> appscaling.CfnScalableTarget:
        fewest, most = self._copies
        target = scaling.scalable_copies(self, self.component_name, fewest, most)
        target.node.add_dependency(self.component)
        scaling.follow_requests(self, self.plan, target, scaling.PER_COPY)
        if fewest == 0:
            self._wake_from_zero(target)
        return target

    def _wake_from_zero(self, target: appscaling.CfnScalableTarget) -> None:
        if self.node.try_find_child("Wake") is None:
            missed = self.metric("NoCapacityInvocationFailures", "Maximum")
            missed = missed.with_(period=scaling.WAKE_PERIOD)
            scaling.wake_from_zero(self, target, missed)


def _check(plan: ServingPlan, endpoint: VllmSharedEndpoint, copies: tuple[int, int]) -> None:
    fewest, most = copies
    if not 0 <= fewest <= most or most < 1:
        raise InputError(
            f"{plan.request.model} has {fewest} to {most} copies; give max_copies of 1 or more, "
            "and min_copies between 0 and it"
        )
    if endpoint.isolated and streams_weights(plan):
        raise InputError(
            f"{plan.request.model} streams its weights from S3, which the isolated endpoint cannot "
            'reach; plan it with load = "disk", or make the endpoint with isolated=False'
        )
