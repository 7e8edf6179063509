"""One service on ECS: GPU instances, vLLM on them, and an internal load balancer in front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53

from cdk_vllm.constructs import DomainName, EcsAlarms, FrontDoor, VllmEcsService
from stacks import service as services
from stacks.acknowledgements import acknowledge, model_prefix_arn

if TYPE_CHECKING:
    from constructs import Construct

    from cdk_vllm.environment_file import Service
    from cdk_vllm.sizing import ServingPlan
    from stacks.foundation import FoundationStack


class EcsStack(Stack):
    """Holds nothing that must outlive it: models, images and access logs are the foundation's."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: Service,
        plan: ServingPlan,
        foundation: FoundationStack,
    ) -> None:
        super().__init__(scope, construct_id, description=f"{plan.request.model} on ECS")
        self.front_door = self._front_door(service, plan, foundation)
        self.service = VllmEcsService(
            self,
            "Service",
            plan=plan,
            vpc=foundation.vpc,
            models=foundation.models,
            image=services.image(self, service, plan, foundation),
            front_door=self.front_door,
        )
        EcsAlarms(
            self,
            "Alarms",
            service=self.service,
            topics=foundation.topics,
            error_ratio=service.alarms.error_ratio,
            response_seconds_p95=service.alarms.response_seconds_p95,
        )
        CfnOutput(self, "BaseUrl", value=self.front_door.base_url)
        CfnOutput(self, "ApiKeySecret", value=self.service.api_key.secret_arn)
        services.describe(self, plan)
        acknowledge(self, model_prefix_arn(foundation, plan))

    def _front_door(
        self, service: Service, plan: ServingPlan, foundation: FoundationStack
    ) -> FrontDoor:
        certificate = service.certificate_arn and acm.Certificate.from_certificate_arn(
            self, "Certificate", service.certificate_arn
        )
        return FrontDoor(
            self,
            "FrontDoor",
            plan=plan,
            vpc=foundation.vpc,
            log_bucket=foundation.log_bucket,
            certificate=certificate or None,
            domain=self._domain(service),
            insecure_http=service.insecure_http,
        )

    def _domain(self, service: Service) -> DomainName | None:
        if not service.domain:
            return None
        zone = service.hosted_zone_id and route53.HostedZone.from_hosted_zone_id(
            self, "Zone", service.hosted_zone_id
        )
        return DomainName(name=service.domain, hosted_zone=zone or None)
