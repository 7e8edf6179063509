"""What one replica costs an hour, and what it is ranked by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cdk_vllm import catalog
from cdk_vllm.sizing.plan import PriceSource

if TYPE_CHECKING:
    from cdk_vllm.sizing.plan import ServingRequest


class ReplicaPrice(NamedTuple):
    """US dollars an hour for one replica: the region's own, and the one that ranks."""

    usd_per_hour: float | None
    ranked_usd_per_hour: float | None
    source: PriceSource


def replica_price(
    request: ServingRequest, instance_type: str, replicas_per_instance: int
) -> ReplicaPrice:
    """Return the on-demand price of one replica while the service runs its fewest replicas.

    Whole instances are paid: three replicas that pack four to an instance cost a third of it each.
    A region without prices is ranked by the reference region's.
    """
    lookup = catalog.sagemaker_usd_per_hour if request.backend == "sagemaker" else (
        catalog.ec2_usd_per_hour
    )  # fmt: skip
    own = lookup(instance_type, request.region)
    ranked, region = own, request.region
    if own.usd_per_hour is None:
        reference = lookup(instance_type, catalog.reference_region())
        if reference.usd_per_hour is not None:
            ranked, region = reference, catalog.reference_region()
    share = paid_share(max(1, request.min_replicas), replicas_per_instance)
    source = PriceSource(
        basis=own.basis, as_of=own.as_of, ranked_by_region=region, reason=own.reason
    )
    return ReplicaPrice(_times(own.usd_per_hour, share), _times(ranked.usd_per_hour, share), source)


def paid_share(replicas: int, replicas_per_instance: int) -> float:
    """Return the instances paid for each replica, when `replicas` of them run."""
    return -(-replicas // replicas_per_instance) / replicas


def per_month(usd_per_hour: float | None) -> float | None:
    """Return the price of 730 hours."""
    return None if usd_per_hour is None else round(usd_per_hour * catalog.hours_per_month(), 2)


def _times(usd_per_hour: float | None, share: float) -> float | None:
    return None if usd_per_hour is None else round(usd_per_hour * share, 6)
