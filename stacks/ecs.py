"""One service on ECS: GPU instances, vLLM on them, and an internal load balancer in front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53

from cdk_vllm.constructs import (
    Collector,
    DomainName,
    EcsAlarms,
    EcsDashboard,
    EngineMetrics,
    ExistingImage,
    FrontDoor,
    GpuCapacity,
    HostAlarms,
    HostLog,
    PrivateLink,
    Purchase,
    TokenIssuer,
    VllmEcsService,
    WebFirewall,
)
from cdk_vllm.constructs.certificate_alarm import certificate_alarm
from cdk_vllm.sizing import fleet_of, rollout_for
from stacks import service as services
from stacks.acknowledgements import acknowledge

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
        super().__init__(
            scope,
            construct_id,
            description=f"{plan.request.model} on ECS",
            termination_protection=service.deletion_protection,
        )
        self.front_door = self._front_door(service, plan, foundation)
        self._in_front(service, foundation)
        self.collector = self._collector(foundation)
        self.host_log = HostLog(self, "Hosts")
        self.service = VllmEcsService(
            self,
            "Service",
            plan=plan,
            vpc=foundation.vpc,
            models=foundation.models,
            image=services.image(self, service, plan, foundation),
            front_door=self.front_door,
            capacity=self._capacity(service, plan, foundation),
            collector=self.collector,
        )
        services.schedule(self.service, service)
        self._watch(service, foundation)
        CfnOutput(self, "BaseUrl", value=self.front_door.base_url)
        if self.service.api_key:
            CfnOutput(self, "ApiKeySecret", value=self.service.api_key.secret_arn)
        services.describe(self, plan)
        acknowledge(self, foundation, plan)

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
            token_issuer=_token_issuer(service),
            insecure_http=service.insecure_http,
        )

    def _in_front(self, service: Service, foundation: FoundationStack) -> None:
        """Put before the front door what the service asks for."""
        if service.firewall:
            limit = service.firewall.requests_per_minute
            WebFirewall(self, "Firewall", front_door=self.front_door, requests_per_minute=limit)
        if service.private_link_principals:
            PrivateLink(
                self,
                "PrivateLink",
                front_door=self.front_door,
                vpc=foundation.vpc,
                log_bucket=foundation.log_bucket,
                principals=[iam.ArnPrincipal(arn) for arn in service.private_link_principals],
            )

    def _capacity(
        self, service: Service, plan: ServingPlan, foundation: FoundationStack
    ) -> GpuCapacity:
        wanted = service.capacity
        return GpuCapacity(
            self,
            "Capacity",
            plan=plan,
            vpc=foundation.vpc,
            s3=foundation.models.network_peer,
            rollout=rollout_for(fleet_of(plan), service.rollout),
            purchase=Purchase(
                spot=wanted.spot,
                on_demand_base=wanted.on_demand_base,
                capacity_reservation_id=wanted.capacity_reservation_id,
                capacity_block=wanted.capacity_block,
                subnet_id=wanted.subnet_id,
                warm_instances=wanted.warm_instances,
            ),
            ami_id=wanted.ami_id,
            host_log=self.host_log,
        )

    def _collector(self, foundation: FoundationStack) -> Collector | None:
        environment = foundation.environment_file
        if not services.collected(environment):
            return None
        uri = environment.metrics.collector_image
        image = ExistingImage(self, "CollectorImage", uri=uri) if uri else None
        name, workspace = self.stack_name, foundation.workspace
        return Collector(self, "Collector", name=name, workspace=workspace, image=image)

    def _watch(self, service: Service, foundation: FoundationStack) -> None:
        topics, limits = foundation.topics, services.thresholds(service)
        alarms = EcsAlarms(
            self,
            "Alarms",
            service=self.service,
            topics=topics,
            thresholds=limits,
            collector=self.collector,
        )
        HostAlarms(
            self,
            "HostAlarms",
            group_name=self.service.capacity.auto_scaling_group.ref,
            log=self.host_log,
            metrics=EngineMetrics(self.stack_name),
            topics=topics,
            thresholds=limits,
            collected=self.collector is not None,
        )
        if self.collector:
            EcsDashboard(
                self, "Dashboard", service=self.service, collector=self.collector, alarms=alarms
            )
        if self.front_door.certificate_arn:
            certificate_alarm(
                self,
                "CertificateExpires",
                certificate_arn=self.front_door.certificate_arn,
                days=limits.certificate_days,
                topics=topics,
            )

    def _domain(self, service: Service) -> DomainName | None:
        if not service.domain:
            return None
        zone = service.hosted_zone_id and route53.HostedZone.from_hosted_zone_id(
            self, "Zone", service.hosted_zone_id
        )
        return DomainName(name=service.domain, hosted_zone=zone or None)


def _token_issuer(service: Service) -> TokenIssuer | None:
    given = service.token_issuer
    if given is None:
        return None
    return TokenIssuer(issuer=given.issuer, jwks_url=given.jwks_url, audiences=given.audiences)
