"""What an environment needs of an account, from its plans alone.

An ECS service needs as many instances as a deployment has at its peak. A SageMaker endpoint is
updated beside itself, so it needs twice its most instances (SageMaker Developer Guide, "Blue/Green
Deployments").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.catalog.quotas import Quota, ec2_quota, sagemaker_quota
from cdk_vllm.sizing.rollout import fleet_of, rollout_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cdk_vllm.sizing import ServingPlan


@dataclass(frozen=True, kw_only=True)
class PlannedService:
    """One service: its plan, how it is deployed, and which image it starts from.

    `fallback_types` stand in where the plan's own type has no capacity. `on_demand_base` is how
    many of the instances are not Spot, where the plan asks for Spot.
    """

    plan: ServingPlan
    strategy: str = "surge"
    maximum_instances: int | None = None
    fallback_types: tuple[str, ...] = ()
    on_demand_base: int = 0
    image: str = ""

    @property
    def name(self) -> str:
        """The service's name."""
        return self.plan.request.service

    @property
    def on_sagemaker(self) -> bool:
        """Whether SageMaker runs it."""
        return self.plan.request.backend == "sagemaker"

    @property
    def instance_types(self) -> tuple[str, ...]:
        """Every type that may be started, the plan's own first."""
        return (self.plan.instance_type, *self.fallback_types)

    @property
    def instances_at_peak(self) -> int:
        """How many instances there are while a deployment runs at the most replicas."""
        if self.on_sagemaker:
            return 2 * self.plan.request.max_replicas
        return rollout_for(
            fleet_of(self.plan), self.strategy, maximum_instances=self.maximum_instances
        ).instances_at_peak


@dataclass(frozen=True, kw_only=True)
class QuotaNeed:
    """How much of a quota is needed; `quota` is `None` where none is published for the type."""

    quota: Quota | None
    amount: int
    parts: tuple[str, ...]


def quota_needs(services: Iterable[PlannedService]) -> list[QuotaNeed]:
    """Return what all services together need of each quota, in the order of the services."""
    found: dict[str, QuotaNeed] = {}
    for part in (part for service in services for part in _parts(service)):
        key = part.quota.name if part.quota else part.parts[0]
        before = found.get(key)
        found[key] = part if before is None else _sum(before, part)
    return list(found.values())


def _sum(one: QuotaNeed, other: QuotaNeed) -> QuotaNeed:
    return QuotaNeed(
        quota=one.quota, amount=one.amount + other.amount, parts=(*one.parts, *other.parts)
    )


def _parts(service: PlannedService) -> Iterator[QuotaNeed]:
    count, name = service.instances_at_peak, service.plan.instance_type
    if service.on_sagemaker:
        yield QuotaNeed(
            quota=sagemaker_quota(name), amount=count, parts=(f"{service.name}: {count} x {name}",)
        )
        return
    base = min(count, service.on_demand_base) if service.plan.request.spot else count
    for instances, spot in ((base, False), (count - base, True)):
        if instances:
            yield _vcpus(service, instances, spot=spot)


def _vcpus(service: PlannedService, instances: int, *, spot: bool) -> QuotaNeed:
    """Count the planned type: which stand-ins are started, and how many, only AWS knows."""
    name = service.plan.instance_type
    quota, vcpus = ec2_quota(name, spot=spot), catalog.instances()[name].vcpus
    kind = "Spot " if spot else ""
    part = f"{service.name}: {instances} x {kind}{name} of {vcpus} vCPUs"
    return QuotaNeed(quota=quota, amount=instances * vcpus, parts=(part,))
