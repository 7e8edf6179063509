"""Choose the cheapest instance that truly holds the model, and say why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.errors import InputError, PlanError, nearest
from cdk_vllm.sizing import kv_cache
from cdk_vllm.sizing.candidates import Candidate, best_of, candidates_of, instance_names
from cdk_vllm.sizing.memory import memory_per_gpu
from cdk_vllm.sizing.plan import Alternative, Rejection, ServingPlan
from cdk_vllm.sizing.pricing import per_month
from cdk_vllm.sizing.request import check_request
from cdk_vllm.sizing.units import GIB, gib
from cdk_vllm.sizing.weights import checkpoint_bytes

if TYPE_CHECKING:
    from cdk_vllm.catalog import Instance
    from cdk_vllm.sizing.plan import ServingRequest

MAX_ALTERNATIVES = 8
_BACKEND = {"ecs": "ECS", "sagemaker": "SageMaker"}


def choose(request: ServingRequest) -> ServingPlan:
    """Return the plan for the cheapest instance that fits, or for the one the request names.

    Raises `InputError` where the request itself is wrong, and `PlanError` where no instance, or not
    the one it names, holds the model under the workload.

    >>> from cdk_vllm.sizing import ServingRequest, Workload, choose, model_shape
    >>> plan = choose(ServingRequest(
    ...     service="chat", backend="ecs", region="us-east-1", model="Qwen/Qwen3-8B",
    ...     revision="main", shape=model_shape("Qwen/Qwen3-8B"), workload=Workload(
    ...         max_model_len=16384, prompt_tokens=2000, output_tokens=500,
    ...         concurrent_requests=32)))
    >>> plan.instance_type
    'g6e.xlarge'
    """
    check_request(request)
    names = instance_names(request)
    usable = {name: i for name, i in names.items() if i.unsupported is None}
    considered = [
        best
        for name, instance in usable.items()
        if (best := best_of(request, candidates_of(request, name, instance)))
    ]
    fitting = sorted((c for c in considered if c.reason is None and _ranked(c)), key=_rank)
    if request.instance_type:
        chosen = _named(request, names, considered)
    else:
        chosen = _cheapest(request, fitting, considered)
    return _plan(request, chosen, fitting, considered)


def _ranked(candidate: Candidate) -> bool:
    return candidate.price.ranked_usd_per_hour is not None


def _usd(candidate: Candidate) -> float:
    return candidate.price.ranked_usd_per_hour or 0.0


def _rank(candidate: Candidate) -> tuple[float, int, int, str]:
    """Cheapest first; then the fewest GPUs, the largest KV cache, and the name."""
    kv_bytes = candidate.memory.kv_cache * candidate.tensor_parallel_size
    return _usd(candidate), candidate.instance.gpus, -kv_bytes, candidate.instance_type


def _cheapest(
    request: ServingRequest, fitting: list[Candidate], considered: list[Candidate]
) -> Candidate:
    if fitting:
        return fitting[0]
    near = min(considered, key=lambda c: (c.reason is not None, c.missing_bytes), default=None)
    if near is None:
        size = request.engine.get("tensor_parallel_size")
        raise PlanError(f"No instance type has {size} GPUs for tensor_parallel_size {size}.")
    reason = (
        near.reason or f"it has no known price, so name it as instance_type: {near.instance_type}"
    )
    raise PlanError(
        f"No instance type that {_BACKEND[request.backend]} offers holds {request.model} for this "
        f"workload; the nearest is {near.instance_type} with tensor_parallel_size "
        f"{near.tensor_parallel_size}: {reason}. Ask for fewer concurrent_requests, a shorter "
        f"max_model_len or a smaller model."
    )


def _named(
    request: ServingRequest, names: dict[str, Instance], considered: list[Candidate]
) -> Candidate:
    wanted = str(request.instance_type)
    if wanted not in names:
        raise InputError(
            f'{_BACKEND[request.backend]} has no GPU instance type "{wanted}" in the catalogue.'
            f"{nearest(wanted, names)}"
        )
    if names[wanted].unsupported:
        raise PlanError(f"{wanted} cannot serve vLLM: {names[wanted].unsupported}.")
    found = next((c for c in considered if c.instance_type == wanted), None)
    if found is None:
        size = request.engine.get("tensor_parallel_size", 1)
        raise PlanError(
            f"{wanted} has {names[wanted].gpus} GPUs, and tensor_parallel_size is {size}."
        )
    if found.reason:
        raise PlanError(
            f"{wanted} does not hold {request.model} for this workload with tensor_parallel_size "
            f"{found.tensor_parallel_size}: {found.reason}."
        )
    return found


def _plan(
    request: ServingRequest,
    chosen: Candidate,
    fitting: list[Candidate],
    considered: list[Candidate],
) -> ServingPlan:
    workload, blocks = request.workload, chosen.memory.blocks
    tokens = kv_cache.logged_tokens(blocks, workload.max_model_len)
    typical = kv_cache.blocks_for(workload.prompt_tokens + workload.output_tokens)
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
        engine_args=dict(chosen.engine_args),
        memory=memory_per_gpu(chosen.memory),
        kv_cache_tokens=tokens,
        max_concurrency=round(kv_cache.max_concurrency(blocks, workload.max_model_len), 2),
        typical_concurrency=round(blocks / typical, 2),
        weights_total_gib=gib(checkpoint_bytes(request.shape)),
        startup_seconds=chosen.startup_seconds,
        usd_per_hour=chosen.price.usd_per_hour,
        usd_per_month=per_month(chosen.price.usd_per_hour),
        ranked_usd_per_hour=_usd(chosen),
        price_source=chosen.price.source,
        alternatives=_alternatives(chosen, fitting),
        rejected=_rejections(request, chosen, considered),
    )


def _alternatives(chosen: Candidate, fitting: list[Candidate]) -> tuple[Alternative, ...]:
    dearer = [c for c in fitting if _rank(c) > _rank(chosen)]
    return tuple(
        Alternative(
            instance_type=c.instance_type,
            tensor_parallel_size=c.tensor_parallel_size,
            usd_per_hour=c.price.usd_per_hour,
            ranked_usd_per_hour=_usd(c),
            kv_cache_tokens=kv_cache.logged_tokens(
                c.memory.blocks, int(c.engine_args["max_model_len"])
            ),
        )
        for c in dearer[:MAX_ALTERNATIVES]
    )


def _rejections(
    request: ServingRequest, chosen: Candidate, considered: list[Candidate]
) -> tuple[Rejection, ...]:
    """Every cheaper instance, cheapest first, then those whose price nobody knows."""
    cheaper = [c for c in considered if _ranked(c) and _rank(c) < _rank(chosen)]
    unknown = [c for c in considered if not _ranked(c) and c is not chosen]
    return tuple(
        Rejection(
            instance_type=c.instance_type,
            usd_per_hour=c.price.usd_per_hour,
            ranked_usd_per_hour=c.price.ranked_usd_per_hour,
            reason=_sentence(c.reason or _not_chosen(request, c)),
        )
        for c in sorted(cheaper, key=_rank) + sorted(unknown, key=_rank)
    )


def _not_chosen(request: ServingRequest, candidate: Candidate) -> str:
    if not _ranked(candidate):
        why = candidate.price.source.reason
        return f"it fits, but cannot be ranked: {why}; name it as instance_type to use it"
    spare = (candidate.memory.kv_cache - candidate.memory.kv_cache_needed) / GIB
    return f"it fits with {spare:.2f} GiB to spare, but the request names {request.instance_type}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
