"""vLLM on a SageMaker endpoint of its own: whole answers, streams, or asynchronous ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Names
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from cdk_vllm.constructs import sagemaker_scaling as scaling
from cdk_vllm.constructs.sagemaker_answers import check_answers
from cdk_vllm.constructs.sagemaker_callers import (
    WHOLE_OR_STREAMED,
    endpoint_arn,
    grant_bearer_tokens,
    grant_call,
    openai_base_url,
)
from cdk_vllm.constructs.sagemaker_model import (
    endpoint_security_group,
    is_isolated,
    let_out_to,
    private_subnets,
    sagemaker_model,
)
from cdk_vllm.constructs.sagemaker_role import execution_role
from cdk_vllm.constructs.sagemaker_rollout import Rollout, deployment_config, rollout_for
from cdk_vllm.constructs.sagemaker_variant import (
    INFERENCE_AMI,
    VARIANT,
    metrics_config,
    plain_variant,
)
from cdk_vllm.constructs.service_logs import ServiceLogs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_applicationautoscaling as appscaling
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_iam as iam

    from cdk_vllm.constructs.image import Image
    from cdk_vllm.constructs.model_store import ModelStore
    from cdk_vllm.constructs.sagemaker_answers import AsynchronousAnswers
    from cdk_vllm.constructs.sagemaker_bucket import CapturedData
    from cdk_vllm.sizing import ServingPlan

__all__ = ["INFERENCE_AMI", "VARIANT", "VllmSageMakerEndpoint"]


class VllmSageMakerEndpoint(Construct):
    """One model behind `InvokeEndpoint`, with `plan.request.min_replicas` instances or more.

    SageMaker copies the weights from `models` to the instance; the container itself has no network
    unless it streams them, or `isolated` is false. Answers are whole, within a minute; a plan with
    `streaming` lets streams take eight, one with `asynchronous` needs the answers' bucket of that
    name. Where the plan's instance type has no capacity, its alternatives take over. An update goes
    the way of `rollout`, or the plan's, and undoes itself when an alarm given to `roll_back_on`
    fires. `endpoint_name` is fixed and in lower case, as it is in the endpoint's ARN: its log
    group, alarms and callers are set up before it exists.

    Raises:
        PlanError: `max_request_seconds` is longer than the plan's way of answering keeps.
        InputError: `asynchronous` and the plan differ, `isolated` where the weights stream, or a
            `rollout` in parts of a single instance.
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
        isolated: bool | None = None,
        asynchronous: AsynchronousAnswers | None = None,
        rollout: Rollout | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        check_answers(plan, asynchronous)
        self.plan, self._answers = plan, asynchronous
        self.isolated = is_isolated(plan, isolated)
        name = Names.unique_resource_name(self, max_length=63, separator="-")
        self.endpoint_name = name.lower()
        self.logs = ServiceLogs(
            self, "Logs", log_group_name=f"/aws/sagemaker/Endpoints/{self.endpoint_name}"
        )
        self.role = execution_role(self, "Role", logs=self.logs)
        models.grant_read(self.role, plan.request.model, plan.request.revision)
        image.grant_pull(self.role)
        self.security_group = endpoint_security_group(self, vpc)
        let_out_to(models, self.security_group)
        self.model = self._model(vpc, models, image)
        self._variant = plain_variant(plan, self.model.attr_model_name)
        self.config = self._config()
        self.endpoint = self._endpoint(rollout_for(plan, rollout))
        self.replicas = self._scaling()

    @property
    def openai_base_url(self) -> str:
        """Where OpenAI clients with a SageMaker bearer token send their requests."""
        return openai_base_url(self, self.endpoint_name)

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` call the model, for whole answers and streams; tokens are not granted.

        A caller reaches every route of vLLM's server, not the OpenAI ones alone. An asynchronous
        endpoint is asked through its bucket: `AsynchronousAnswers.grant_ask`.
        """
        if self._answers is not None:
            self._answers.grant_ask(grantee)
            return grant_call(grantee, [self._arn], "sagemaker:InvokeEndpointAsync")
        return grant_call(grantee, [self._arn], *WHOLE_OR_STREAMED)

    def grant_bearer_tokens(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` make tokens for OpenAI clients, which are good for twelve hours at most."""
        return grant_bearer_tokens(grantee, [self._arn])

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

    def capture(self, data: CapturedData) -> None:
        """Write prompts and answers down, which nothing does unasked."""
        self.config.data_capture_config = data.config(sagemaker.CfnEndpointConfig)
        data.grant_serve(self.role)

    def use_reservation(self, ml_reservation_arn: str) -> None:
        """Run on instances that were reserved, and on nothing else: no other type takes over."""
        kind = sagemaker.CfnEndpointConfig
        for pooled in ("instance_pools", "variant_instance_provision_timeout_in_seconds"):
            self._variant.pop(pooled, None)
        self._variant |= {
            "instance_type": self.plan.instance_type,
            "capacity_reservation_config": kind.CapacityReservationConfigProperty(
                capacity_reservation_preference="capacity-reservations-only",
                ml_reservation_arn=ml_reservation_arn,
            ),
        }
        self.config.production_variants = [kind.ProductionVariantProperty(**self._variant)]

    def scale_on_schedule(
        self, name: str, *, schedule: str, min_replicas: int, max_replicas: int, timezone: str
    ) -> None:
        """Let other bounds hold from a time on: `cron(0 8 ? * MON-FRI *)` in `Europe/Berlin`."""
        bounds = (min_replicas, max_replicas)
        scaling.add_schedule(
            self.replicas, name, schedule=schedule, replicas=bounds, timezone=timezone
        )

    @property
    def _arn(self) -> str:
        return endpoint_arn(self, self.endpoint_name)

    def _model(self, vpc: ec2.IVpc, models: ModelStore, image: Image) -> sagemaker.CfnModel:
        return sagemaker_model(
            self,
            "Model",
            plan=self.plan,
            role=self.role,
            models=models,
            image=image,
            isolated=self.isolated,
            vpc_config=sagemaker.CfnModel.VpcConfigProperty(
                subnets=private_subnets(vpc),
                security_group_ids=[self.security_group.security_group_id],
            ),
        )

    def _config(self) -> sagemaker.CfnEndpointConfig:
        """No name: an update replaces it. No KMS key: instances with NVMe disks refuse one."""
        kind, more = sagemaker.CfnEndpointConfig, dict[str, Any]()
        if self._answers is not None:
            more["async_inference_config"] = self._answers.config(self.plan)
            self._answers.grant_serve(self.role)
        more["metrics_config"] = metrics_config()
        variant = kind.ProductionVariantProperty(**self._variant)
        return kind(self, "Config", production_variants=[variant], **more)

    def _endpoint(self, rollout: Rollout) -> sagemaker.CfnEndpoint:
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=self.endpoint_name,
            endpoint_config_name=self.config.attr_endpoint_config_name,
            # An update keeps the instances that scaling has added.
            retain_all_variant_properties=True,
            deployment_config=deployment_config(self.plan, rollout),
        )
        endpoint.node.add_dependency(self.logs)
        return endpoint

    def _scaling(self) -> appscaling.CfnScalableTarget:
        resource_id = f"endpoint/{self.endpoint.attr_endpoint_name}/variant/{VARIANT}"
        target = scaling.scalable_instances(self, self.plan, resource_id)
        if self._answers is not None:
            scaling.follow_backlog(self, self.plan, target, self.endpoint_name)
        else:
            scaling.follow_requests(self, self.plan, target, scaling.PER_INSTANCE)
        return target
