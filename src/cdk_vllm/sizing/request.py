"""Check a request before the rules look for an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.errors import InputError, nearest
from cdk_vllm.sizing.options import validate_engine_options
from cdk_vllm.sizing.parallelism import tensor_parallel_refusal
from cdk_vllm.sizing.timeouts import too_long

if TYPE_CHECKING:
    from cdk_vllm.sizing.plan import ServingRequest


def check_request(request: ServingRequest) -> None:
    """Raise `InputError` for the first value that no instance could make right."""
    if request.region not in catalog.regions():
        raise InputError(
            f'AWS has no region "{request.region}".{nearest(request.region, catalog.regions())}'
        )
    _check_workload(request)
    _check_replicas(request)
    _check_targets(request)
    validate_engine_options(request.engine)
    _check_engine(request)


def _check_workload(request: ServingRequest) -> None:
    workload = request.workload
    for name, value in vars(workload).items():
        if value < (0 if name == "output_tokens" else 1):
            raise InputError(f"{name} is {value}; it must be at least 1.")
    longest = workload.prompt_tokens + workload.output_tokens
    if longest > workload.max_model_len:
        raise InputError(
            f"prompt_tokens {workload.prompt_tokens} and output_tokens {workload.output_tokens} "
            f"are {longest} together, above max_model_len {workload.max_model_len}; raise it to "
            f"{longest}."
        )
    positions = request.shape.max_position_embeddings
    if workload.max_model_len > positions:
        raise InputError(
            f"max_model_len {workload.max_model_len} is above the {positions} positions that "
            f"{request.model} was trained for."
        )


def _check_replicas(request: ServingRequest) -> None:
    if not 0 <= request.min_replicas <= request.max_replicas or request.max_replicas < 1:
        raise InputError(
            f"replicas are {request.min_replicas} to {request.max_replicas}; min must not be "
            f"negative nor above max, and max must be at least 1."
        )
    reason = too_long(
        request.max_request_seconds,
        backend=request.backend,
        spot=request.spot,
        allow_interrupted_requests=request.allow_interrupted_requests,
        streaming=request.streaming,
        asynchronous=request.asynchronous,
    )
    if reason:
        raise InputError(f"{reason}.")


def _check_targets(request: ServingRequest) -> None:
    for name in ("ttft_seconds", "tpot_seconds", "peak_concurrent_requests"):
        value = getattr(request, name)
        if value is not None and not 0 < value < float("inf"):
            raise InputError(f"{name} is {value}; it must be above 0, or left out.")
    if request.spot and request.backend == "sagemaker":
        raise InputError("SageMaker has no spot endpoints; drop spot, or take backend ecs.")


def _check_engine(request: ServingRequest) -> None:
    sequences = request.engine.get("max_num_seqs")
    concurrent = request.workload.concurrent_requests
    if sequences is not None and int(sequences) < concurrent:
        raise InputError(
            f"The engine option max_num_seqs is {sequences}, below concurrent_requests "
            f"{concurrent}; raise it or leave it out."
        )
    ranks = request.engine.get("tensor_parallel_size")
    if ranks is not None and (why := tensor_parallel_refusal(request.shape, int(ranks))):
        raise InputError(f"{request.model} cannot be split: {why}.")
