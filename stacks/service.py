"""What the stacks of both backends do alike: an image, tags, and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Tags

from cdk_vllm.catalog.quotas import ec2_quota, sagemaker_quota
from cdk_vllm.constructs import BuiltImage, ExistingImage, LocallyBuiltImage
from cdk_vllm.model_prefix import model_prefix
from cdk_vllm.observability import AlarmThresholds

if TYPE_CHECKING:
    from aws_cdk import Stack

    from cdk_vllm.constructs import VllmEcsService, VllmSageMakerEndpoint
    from cdk_vllm.constructs.image import Image
    from cdk_vllm.environment_file import EnvironmentFile, Service
    from cdk_vllm.sizing import ServingPlan
    from stacks.foundation import FoundationStack


def image(stack: Stack, service: Service, plan: ServingPlan, foundation: FoundationStack) -> Image:
    """Return the image the environment file asks for; built in AWS unless it says otherwise."""
    if service.image.uri:
        return ExistingImage(stack, "Image", uri=service.image.uri)
    base_image = service.image.base_image or f"vllm/vllm-openai:v{plan.request.vllm_version}"
    if service.image.build == "docker":
        return LocallyBuiltImage(
            stack,
            "Image",
            target=service.backend,
            base_image=base_image,
            accept_advisories=service.image.accept_advisories,
        )
    return BuiltImage(
        stack,
        "Image",
        builder=foundation.image_builder,
        target=service.backend,
        base_image=base_image,
        accept_advisories=service.image.accept_advisories,
    )


def collected(environment: EnvironmentFile) -> list[str]:
    """Return the services that a collector stands beside: all on ECS that can pull its image."""
    reachable = environment.metrics.collector_image or not environment.network.isolated
    return [
        name
        for name, service in environment.services.items()
        if service.backend == "ecs" and reachable
    ]


def schedule(scaled: VllmEcsService | VllmSageMakerEndpoint, service: Service) -> None:
    """Narrow the replicas' bounds at the service's times."""
    for number, given in enumerate(service.schedules, start=1):
        scaled.scale_on_schedule(
            f"schedule-{number}",
            schedule=given.cron,
            min_replicas=given.min,
            max_replicas=given.max,
            timezone=given.timezone,
        )


def thresholds(service: Service) -> AlarmThresholds:
    """Return when a service's alarms fire."""
    return AlarmThresholds(**service.alarms.model_dump())


def describe(stack: Stack, plan: ServingPlan) -> None:
    """Tag everything with its model; put its cost and its place in the bucket into the outputs."""
    request = plan.request
    for key, value in (("model", request.model), ("revision", request.revision)):
        Tags.of(stack).add(f"cdk-vllm:{key}", value)
    CfnOutput(stack, "ModelPrefix", value=model_prefix(request.model, request.revision))
    CfnOutput(
        stack,
        "UsdPerHour",
        value=_usd_per_hour(plan),
        description="On demand, for the GPU instances of the fewest replicas",
    )
    per_million = plan.usd_per_million_output_tokens
    CfnOutput(
        stack,
        "UsdPerMillionOutputTokens",
        value="unknown" if per_million is None else f"{per_million:.3f}",
        description=f"At full load; the speed is {plan.speed_basis}",
    )
    CfnOutput(
        stack,
        "Quota",
        value=_quota(plan),
        description="Must hold the most replicas, and what a deployment starts beside them: "
        "`cdk-vllm check` compares",
    )


def _quota(plan: ServingPlan) -> str:
    """Name the service quota of the plan's instances, with its code where all accounts share it."""
    if plan.request.backend == "sagemaker":
        return sagemaker_quota(plan.instance_type).name
    quota = ec2_quota(plan.instance_type, spot=plan.request.spot)
    return f"{quota.name} ({quota.code})" if quota else "none is published"


def _usd_per_hour(plan: ServingPlan) -> str:
    if plan.usd_per_hour is None:
        return f"unknown: {plan.price_source.reason}"
    total = plan.usd_per_hour * plan.request.min_replicas
    source = plan.price_source
    return f"{total:.2f} ({source.basis}, {source.as_of})"
