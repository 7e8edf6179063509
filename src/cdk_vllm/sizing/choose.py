"""Choose the cheapest instance that truly holds the model, and say why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.errors import InputError, PlanError, nearest
from cdk_vllm.sizing.answer import has_price, plan_of, rank
from cdk_vllm.sizing.candidates import Candidate, Memo, best_of, candidates_of, instance_names
from cdk_vllm.sizing.request import check_request

if TYPE_CHECKING:
    from cdk_vllm.sizing.plan import ServingPlan, ServingRequest

_BACKEND = {"ecs": "ECS", "sagemaker": "SageMaker"}


def choose(request: ServingRequest) -> ServingPlan:
    """Return the plan for the cheapest instance that fits, or for the one the request names.

    What fits holds the longest request and the typical concurrency, and meets the targets for first
    and further tokens where the request has any. With a peak over all replicas, the cheapest
    combination of an instance type and a number of replicas is chosen. Raises `InputError` where
    the request itself is wrong, and `PlanError` where no instance, or not the one it names, fits.

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
    groups = _groups(request)
    considered = _best(request, groups)
    if request.instance_type:
        chosen = _named(request, considered)
    else:
        chosen = _cheapest(request, considered)
    fitting = [c for group in groups for c in group if c.reason is None and has_price(c)]
    return plan_of(request, chosen, fitting, considered)


def considered_for(request: ServingRequest) -> list[Candidate]:
    """Return each supported instance type as it would be used, cheapest first, fitting or not."""
    return sorted(_best(request, _groups(request)), key=rank)


def _groups(request: ServingRequest) -> list[list[Candidate]]:
    """Return the candidates of each supported instance type."""
    memo: Memo = {}
    return [
        candidates_of(request, name, instance, memo)
        for name, instance in instance_names(request).items()
        if instance.unsupported is None
    ]


def _best(request: ServingRequest, groups: list[list[Candidate]]) -> list[Candidate]:
    return [best for group in groups if (best := best_of(request, group))]


def _cheapest(request: ServingRequest, considered: list[Candidate]) -> Candidate:
    fitting = [c for c in considered if c.reason is None and has_price(c)]
    if fitting:
        return min(fitting, key=rank)
    near = min(considered, key=_distance, default=None)
    if near is None:
        size = request.engine.get("tensor_parallel_size")
        raise PlanError(f"No instance type has {size} GPUs for tensor_parallel_size {size}.")
    reason = (
        near.reason or f"it has no known price, so name it as instance_type: {near.instance_type}"
    )
    raise PlanError(
        f"No instance type that {_BACKEND[request.backend]} offers holds {request.model} for this "
        f"workload; the nearest is {near.instance_type} with tensor_parallel_size "
        f"{near.tensor_parallel_size}: {reason}. {_advice(near)}"
    )


def _distance(candidate: Candidate) -> tuple[bool, float, float]:
    """Those that fit first; then what lacks the least memory, and then the fastest."""
    speed = candidate.on_gpu.speed
    lacking = max(0, candidate.missing_bytes)
    return candidate.reason is not None, lacking, speed.tpot.high if speed else float("inf")


def _advice(candidate: Candidate) -> str:
    if candidate.missing_bytes <= 0:
        return "Ask for fewer concurrent_requests, or accept slower tokens."
    return "Ask for fewer concurrent_requests, a shorter max_model_len or a smaller model."


def _named(request: ServingRequest, considered: list[Candidate]) -> Candidate:
    wanted, names = str(request.instance_type), instance_names(request)
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
