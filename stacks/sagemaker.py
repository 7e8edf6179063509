"""One service on SageMaker: a real-time endpoint that runs vLLM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Stack

from cdk_vllm.constructs import SageMakerAlarms, VllmSageMakerEndpoint
from stacks import service as services
from stacks.acknowledgements import acknowledge, model_prefix_arn

if TYPE_CHECKING:
    from constructs import Construct

    from cdk_vllm.environment_file import Service
    from cdk_vllm.sizing import ServingPlan
    from stacks.foundation import FoundationStack


class SageMakerStack(Stack):
    """Holds nothing that must outlive it: models and images are the foundation's."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: Service,
        plan: ServingPlan,
        foundation: FoundationStack,
    ) -> None:
        super().__init__(scope, construct_id, description=f"{plan.request.model} on SageMaker")
        self.service = VllmSageMakerEndpoint(
            self,
            "Service",
            plan=plan,
            vpc=foundation.vpc,
            models=foundation.models,
            image=services.image(self, service, plan, foundation),
        )
        SageMakerAlarms(
            self,
            "Alarms",
            endpoint=self.service,
            topics=foundation.topics,
            error_ratio=service.alarms.error_ratio,
            response_seconds_p95=service.alarms.response_seconds_p95,
        )
        CfnOutput(self, "EndpointName", value=self.service.endpoint.attr_endpoint_name)
        CfnOutput(self, "BaseUrl", value=self.service.openai_base_url)
        services.describe(self, plan)
        acknowledge(self, model_prefix_arn(foundation, plan))
