"""A choice written down as a plan: the chosen candidate, its rivals, and why they lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.sizing.memory import memory_per_gpu
from cdk_vllm.sizing.plan import Alternative, Peak, Rejection, ServingPlan
from cdk_vllm.sizing.pricing import per_million_tokens, per_month
from cdk_vllm.sizing.startup import load_of, startup_seconds
from cdk_vllm.sizing.units import GIB, gib
from cdk_vllm.sizing.weights import checkpoint_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdk_vllm.sizing.candidates import Candidate
    from cdk_vllm.sizing.plan import ServingRequest
    from cdk_vllm.sizing.startup import Load

MAX_ALTERNATIVES = 8


def has_price(candidate: Candidate) -> bool:
    """Whether a candidate can be ranked."""
    return candidate.price.ranked_usd_per_hour is not None


def ranked_usd(candidate: Candidate) -> float:
    """Return the price of one replica that ranks a candidate."""
    return candidate.price.ranked_usd_per_hour or 0.0


def rank(candidate: Candidate) -> tuple[float, int, int, str]:
    """Cheapest first, over all replicas; then the fewest GPUs, the largest KV cache, the name."""
    kv_bytes = candidate.memory.kv_cache * candidate.tensor_parallel_size
    usd = round(ranked_usd(candidate) * candidate.replicas, 6)
    return usd, candidate.instance.gpus, -kv_bytes, candidate.instance_type


def plan_of(
    request: ServingRequest,
    chosen: Candidate,
    fitting: Sequence[Candidate],
    considered: Sequence[Candidate],
) -> ServingPlan:
    """Return the plan that a chosen candidate makes, among those that fit and those looked at."""
    workload, memory = chosen.on_gpu.workload, chosen.memory
    typical = memory.concurrency(workload.prompt_tokens + workload.output_tokens)
    speed, price = chosen.on_gpu.speed, chosen.price
    rate = speed.output_tokens_per_second if speed else None
    # Without a typical answer's length there is no typical price of its tokens either.
    answers = rate if workload.output_tokens > 1 else None
    per_million = per_million_tokens(price.paid_usd_per_hour, answers)
    load = _load(request, chosen)
    return ServingPlan(
        request=request,
        instance_type=chosen.instance_type,
        gpu=chosen.gpu.name,
        gpus=chosen.instance.gpus,
        gpus_per_replica=chosen.tensor_parallel_size,
        replicas_per_instance=chosen.replicas_per_instance,
        tensor_parallel_size=chosen.tensor_parallel_size,
        vcpus=chosen.instance.vcpus,
        host_memory_gib=chosen.instance.memory_gib,
        local_nvme_gb=chosen.instance.local_nvme_gb,
        engine_args=dict(chosen.on_gpu.engine_args),
        memory=memory_per_gpu(memory),
        kv_cache_tokens=memory.kv_cache_tokens,
        max_concurrency=round(memory.max_concurrency, 2),
        typical_concurrency=round(typical, 2),
        weights_total_gib=gib(checkpoint_bytes(request.shape)),
        startup_seconds=startup_seconds(load),
        load=load.path,
        load_seconds=round(load.seconds, 1),
        usd_per_hour=price.usd_per_hour,
        usd_per_month=per_month(price.usd_per_hour),
        ranked_usd_per_hour=ranked_usd(chosen),
        price_source=price.source,
        alternatives=_alternatives(chosen, fitting),
        rejected=_rejections(request, chosen, considered),
        tpot_seconds=speed.tpot if speed else None,
        ttft_seconds=speed.ttft if speed else None,
        output_tokens_per_second=rate,
        usd_per_million_output_tokens=per_million,
        speed_basis=speed.basis if speed else "unknown",
        spot_usd_per_hour=price.spot_usd_per_hour,
        spot_as_of=price.spot_as_of,
        peak=_peak(request, chosen),
    )


def _load(request: ServingRequest, chosen: Candidate) -> Load:
    return load_of(
        chosen.instance,
        checkpoint_bytes(request.shape),
        backend=request.backend,
        ranks=chosen.tensor_parallel_size,
        replicas=chosen.replicas_per_instance,
        wanted=request.load,
    )


def _peak(request: ServingRequest, chosen: Candidate) -> Peak | None:
    if request.peak_concurrent_requests is None:
        return None
    each = chosen.price.paid_usd_per_hour
    usd = None if each is None else round(each * chosen.replicas, 6)
    return Peak(
        replicas=chosen.replicas,
        instances=chosen.instances,
        concurrent_requests_per_replica=chosen.on_gpu.workload.concurrent_requests,
        usd_per_hour=usd,
        usd_per_month=per_month(usd),
    )


def _alternatives(chosen: Candidate, fitting: Sequence[Candidate]) -> tuple[Alternative, ...]:
    """One for each dearer instance; those with the chosen tensor parallel size first, by price."""
    size = chosen.tensor_parallel_size
    order = sorted(fitting, key=lambda c: (c.tensor_parallel_size != size, rank(c)))
    dearer: dict[str, Candidate] = {}
    for candidate in order:
        if rank(candidate) > rank(chosen) and candidate.instance_type != chosen.instance_type:
            dearer.setdefault(candidate.instance_type, candidate)
    return tuple(
        Alternative(
            instance_type=c.instance_type,
            tensor_parallel_size=c.tensor_parallel_size,
            usd_per_hour=c.price.usd_per_hour,
            ranked_usd_per_hour=ranked_usd(c),
            kv_cache_tokens=c.memory.kv_cache_tokens,
            gpu=c.gpu.name,
            replicas_per_instance=c.replicas_per_instance,
            spot_usd_per_hour=c.price.spot_usd_per_hour,
            replicas=c.replicas,
        )
        for c in list(dearer.values())[:MAX_ALTERNATIVES]
    )


def _rejections(
    request: ServingRequest, chosen: Candidate, considered: Sequence[Candidate]
) -> tuple[Rejection, ...]:
    """Every cheaper instance, cheapest first, then those whose price nobody knows."""
    cheaper = [c for c in considered if has_price(c) and rank(c) < rank(chosen)]
    unknown = [c for c in considered if not has_price(c) and c is not chosen]
    return tuple(
        Rejection(
            instance_type=c.instance_type,
            usd_per_hour=c.price.usd_per_hour,
            ranked_usd_per_hour=c.price.ranked_usd_per_hour,
            reason=_sentence(c.reason or _not_chosen(request, c)),
        )
        for c in sorted(cheaper, key=rank) + sorted(unknown, key=rank)
    )


def _not_chosen(request: ServingRequest, candidate: Candidate) -> str:
    if not has_price(candidate):
        why = candidate.price.source.reason
        return f"it fits, but cannot be ranked: {why}; name it as instance_type to use it"
    spare = (candidate.memory.kv_cache - candidate.memory.kv_cache_needed) / GIB
    return f"it fits with {spare:.2f} GiB to spare, but the request names {request.instance_type}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
