"""What one replica costs an hour, on demand and on spot, and what it is ranked by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cdk_vllm import catalog
from cdk_vllm.sizing.plan import PriceSource

if TYPE_CHECKING:
    from cdk_vllm.sizing.plan import ServingRequest


class ReplicaPrice(NamedTuple):
    """US dollars an hour for one replica: the region's own, spot's, and the one that ranks."""

    usd_per_hour: float | None
    ranked_usd_per_hour: float | None
    source: PriceSource
    spot_usd_per_hour: float | None = None
    spot_as_of: str | None = None

    @property
    def paid_usd_per_hour(self) -> float | None:
        """What the service pays in its region: the spot price where the request ranks by it."""
        by_spot = self.spot_usd_per_hour is not None and (
            self.ranked_usd_per_hour == self.spot_usd_per_hour
        )
        return self.spot_usd_per_hour if by_spot else self.usd_per_hour


def replica_price(
    request: ServingRequest, instance_type: str, replicas_per_instance: int, replicas: int
) -> ReplicaPrice:
    """Return the price of one of `replicas` that run at once.

    Whole instances are paid: three replicas that pack four to an instance cost a third of it each.
    A region without prices is ranked by the reference region's; a request for spot by the median
    of the region's sampled spot prices, where there are any. SageMaker has no spot endpoints.
    """
    on_sagemaker = request.backend == "sagemaker"
    lookup = catalog.sagemaker_usd_per_hour if on_sagemaker else catalog.ec2_usd_per_hour
    own = lookup(instance_type, request.region)
    ranked, region = own, request.region
    if own.usd_per_hour is None:
        reference = lookup(instance_type, catalog.reference_region())
        if reference.usd_per_hour is not None:
            ranked, region = reference, catalog.reference_region()
    share = paid_share(replicas, replicas_per_instance)
    spot = None if on_sagemaker else catalog.spot_usd_per_hour(instance_type, request.region)
    spot_usd = _times(spot.median, share) if spot else None
    ranked_usd = _times(ranked.usd_per_hour, share)
    return ReplicaPrice(
        usd_per_hour=_times(own.usd_per_hour, share),
        ranked_usd_per_hour=spot_usd if request.spot and spot_usd is not None else ranked_usd,
        source=PriceSource(
            basis=own.basis, as_of=own.as_of, ranked_by_region=region, reason=own.reason
        ),
        spot_usd_per_hour=spot_usd,
        spot_as_of=spot.as_of if spot else None,
    )


def paid_share(replicas: int, replicas_per_instance: int) -> float:
    """Return the instances paid for each replica, when `replicas` of them run."""
    return -(-replicas // replicas_per_instance) / replicas


def per_month(usd_per_hour: float | None) -> float | None:
    """Return the price of 730 hours."""
    return None if usd_per_hour is None else round(usd_per_hour * catalog.hours_per_month(), 2)


def per_million_tokens(usd_per_hour: float | None, tokens_per_second: float | None) -> float | None:
    """Return the price of a million output tokens at a steady rate."""
    if usd_per_hour is None or not tokens_per_second:
        return None
    return float(f"{usd_per_hour / (3600 * tokens_per_second) * 1e6:.4g}")


def _times(usd_per_hour: float | None, share: float) -> float | None:
    return None if usd_per_hour is None else round(usd_per_hour * share, 6)
