"""SageMaker instances that several models share, each as an inference component."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Names
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from cdk_vllm.constructs.sagemaker_component import VllmInferenceComponent
from cdk_vllm.constructs.sagemaker_model import (
    endpoint_security_group,
    let_out_to,
    private_subnets,
)
from cdk_vllm.constructs.sagemaker_role import execution_role
from cdk_vllm.constructs.sagemaker_variant import VARIANT, instances, metrics_config
from cdk_vllm.constructs.service_logs import ServiceLogs
from cdk_vllm.errors import InputError
from cdk_vllm.sizing import components

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2

    from cdk_vllm.constructs.image import Image
    from cdk_vllm.constructs.model_store import ModelStore
    from cdk_vllm.sizing import ServingPlan

IDLE_MINUTES = 30  # before an instance without a copy is let go


class VllmSharedEndpoint(Construct):
    """Between `min_instances` and `max_instances` of the plan's type, for `add_model` to fill.

    SageMaker itself starts and stops instances as the copies on them need; with `min_instances` 0
    the last one goes when no copy is left. `plan` names the instance type, its GPUs, and what takes
    over where it has no capacity; each model brings a plan of its own for the same type.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plan: ServingPlan,
        vpc: ec2.IVpc,
        max_instances: int,
        min_instances: int = 1,
        isolated: bool = True,
    ) -> None:
        super().__init__(scope, construct_id)
        if not 0 <= min_instances <= max_instances or max_instances < 1:
            raise InputError(
                f"a shared endpoint has {min_instances} to {max_instances} instances; give "
                "max_instances of 1 or more, and min_instances between 0 and it"
            )
        self.plan, self.isolated = plan, isolated
        self._max_instances, self._min_instances = max_instances, min_instances
        self._placed: list[tuple[ServingPlan, int]] = []
        name = Names.unique_resource_name(self, max_length=63, separator="-")
        self.endpoint_name = name.lower()
        self.logs = ServiceLogs(
            self, "Logs", log_group_name=f"/aws/sagemaker/Endpoints/{self.endpoint_name}"
        )
        self.role = execution_role(self, "Role", logs=self.logs)
        self.security_group = endpoint_security_group(self, vpc)
        self.vpc_config = sagemaker.CfnModel.VpcConfigProperty(
            subnets=private_subnets(vpc),
            security_group_ids=[self.security_group.security_group_id],
        )
        self.config = self._config(vpc)
        self.endpoint = self._endpoint()

    def add_model(
        self,
        construct_id: str,
        *,
        plan: ServingPlan,
        models: ModelStore,
        image: Image,
        min_copies: int = 1,
        max_copies: int = 1,
    ) -> VllmInferenceComponent:
        """Serve a model on these instances, each copy on as many GPUs as its plan's tensors take.

        Raises:
            InputError: the fewest copies of all models do not fit the most instances.
            PlanError: the model is planned for another instance type.
        """
        fewest = max(1, min_copies)
        needed = components.instances_for([*self._placed, (self.plan, 0), (plan, fewest)])
        if needed > self._max_instances:
            raise InputError(
                f"{plan.request.model} needs {fewest} x {plan.tensor_parallel_size} GPUs beside "
                f"what is placed, which are {needed} instances of {plan.instance_type}; raise "
                f"max_instances from {self._max_instances}, or lower min_copies"
            )
        self._placed.append((plan, fewest))
        let_out_to(models, self.security_group)
        return VllmInferenceComponent(
            self,
            construct_id,
            plan=plan,
            endpoint=self,
            models=models,
            image=image,
            copies=(min_copies, max_copies),
        )

    def _config(self, vpc: ec2.IVpc) -> sagemaker.CfnEndpointConfig:
        """The network and the role belong to the endpoint here, not to its models."""
        kind = sagemaker.CfnEndpointConfig
        scaling = kind.ManagedInstanceScalingProperty(
            status="ENABLED",
            min_instance_count=self._min_instances,
            max_instance_count=self._max_instances,
            scale_in_policy=kind.ScaleInPolicyProperty(
                strategy="IDLE_RELEASE", maximum_step_size=1, cooldown_in_minutes=IDLE_MINUTES
            ),
        )
        variant: dict[str, Any] = {
            **instances(self.plan),
            "initial_instance_count": max(1, self._min_instances),
            "initial_variant_weight": 1,
            "managed_instance_scaling": scaling,
        }
        config = kind(
            self,
            "Config",
            production_variants=[kind.ProductionVariantProperty(**variant)],
            execution_role_arn=self.role.role_arn,
            enable_network_isolation=self.isolated,
            metrics_config=metrics_config(),
            vpc_config=kind.VpcConfigProperty(
                subnets=private_subnets(vpc),
                security_group_ids=[self.security_group.security_group_id],
            ),
        )
        config.node.add_dependency(self.role)
        return config

    def _endpoint(self) -> sagemaker.CfnEndpoint:
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=self.endpoint_name,
            endpoint_config_name=self.config.attr_endpoint_config_name,
            retain_all_variant_properties=True,
        )
        endpoint.node.add_dependency(self.logs)
        return endpoint


__all__ = ["VARIANT", "VllmSharedEndpoint"]
