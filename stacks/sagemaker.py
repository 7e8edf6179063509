"""One service on SageMaker: an endpoint that runs vLLM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Stack

from cdk_vllm.constructs import (
    AsynchronousAnswers,
    CapturedData,
    SageMakerAlarms,
    SageMakerDashboard,
    VllmSageMakerEndpoint,
)
from stacks import service as services
from stacks.acknowledgements import acknowledge

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
        super().__init__(
            scope,
            construct_id,
            description=f"{plan.request.model} on SageMaker",
            termination_protection=service.deletion_protection,
        )
        self.service = VllmSageMakerEndpoint(
            self,
            "Service",
            plan=plan,
            vpc=foundation.vpc,
            models=foundation.models,
            image=services.image(self, service, plan, foundation),
            isolated=service.sagemaker.isolated,
            asynchronous=self._asynchronous(service, foundation),
            rollout=service.sagemaker.rollout,
        )
        self._add_what_is_asked(service, foundation)
        alarms = SageMakerAlarms(
            self,
            "Alarms",
            endpoint=self.service,
            topics=foundation.topics,
            thresholds=services.thresholds(service),
        )
        SageMakerDashboard(self, "Dashboard", endpoint=self.service, alarms=alarms)
        CfnOutput(self, "EndpointName", value=self.service.endpoint.attr_endpoint_name)
        CfnOutput(self, "BaseUrl", value=self.service.openai_base_url)
        services.describe(self, plan)
        acknowledge(self, foundation, plan)

    def _asynchronous(
        self, service: Service, foundation: FoundationStack
    ) -> AsynchronousAnswers | None:
        if not service.asynchronous:
            return None
        return AsynchronousAnswers(self, "Answers", log_bucket=foundation.log_bucket)

    def _add_what_is_asked(self, service: Service, foundation: FoundationStack) -> None:
        endpoint, asked = self.service, service.sagemaker
        if asked.capture_percent:
            data = CapturedData(
                self,
                "Captured",
                log_bucket=foundation.log_bucket,
                percent=asked.capture_percent,
            )
            endpoint.capture(data)
        if asked.reservation_arn:
            endpoint.use_reservation(asked.reservation_arn)
        services.schedule(endpoint, service)
