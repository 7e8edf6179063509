"""Check a plan, however it was made, against today's rules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.errors import InputError
from cdk_vllm.sizing.candidates import instance_names
from cdk_vllm.sizing.memory import memory_bytes
from cdk_vllm.sizing.parallelism import tensor_parallel_refusal
from cdk_vllm.sizing.refusals import refusal
from cdk_vllm.sizing.request import check_request

if TYPE_CHECKING:
    from cdk_vllm.sizing.plan import ServingPlan

REQUIRED = (
    "tensor_parallel_size",
    "max_model_len",
    "max_num_seqs",
    "max_num_batched_tokens",
    "gpu_memory_utilization",
    "dtype",
)


def fits(plan: ServingPlan) -> str | None:
    """Return why a plan does not hold its model under today's rules, or `None` if it does.

    The plan's own engine arguments are what is checked, so a plan written by hand is checked too.
    """
    try:
        check_request(plan.request)
    except InputError as error:
        return str(error)
    return _contradiction(plan) or _refusal(plan)


def _contradiction(plan: ServingPlan) -> str | None:
    """Say where a plan contradicts itself or the catalogue."""
    arguments = plan.engine_args
    if missing := [name for name in REQUIRED if name not in arguments]:
        return f"The plan's engine_args lack {missing[0]}."
    instance = instance_names(plan.request).get(plan.instance_type)
    if instance is None:
        return f"The catalogue has no {plan.instance_type} for backend {plan.request.backend}."
    if instance.unsupported:
        return f"{plan.instance_type} cannot serve vLLM: {instance.unsupported}."
    ranks = plan.tensor_parallel_size
    pairs = {
        "engine_args.tensor_parallel_size": (arguments["tensor_parallel_size"], ranks),
        "engine_args.max_model_len": (
            arguments["max_model_len"],
            plan.request.workload.max_model_len,
        ),
        "gpus_per_replica": (plan.gpus_per_replica, ranks),
        "gpu": (plan.gpu, instance.gpu),
        "gpus": (plan.gpus, instance.gpus),
    }
    for name, (found, expected) in pairs.items():
        if found != expected:
            return f"The plan's {name} is {found}, and must be {expected}."
    if ranks * plan.replicas_per_instance > instance.gpus:
        return (
            f"{plan.replicas_per_instance} replicas of {ranks} GPUs do not fit on the "
            f"{instance.gpus} of {plan.instance_type}."
        )
    return None


def _refusal(plan: ServingPlan) -> str | None:
    request, arguments = plan.request, plan.engine_args
    if why := tensor_parallel_refusal(request.shape, plan.tensor_parallel_size):
        return f"{plan.instance_type} does not fit: {why}."
    instance = instance_names(request)[plan.instance_type]
    workload = request.workload
    if plan.peak is not None:
        carried = plan.peak.concurrent_requests_per_replica
        workload = replace(workload, concurrent_requests=carried)
    gpu = catalog.gpus()[instance.gpu]
    memory = memory_bytes(request.shape, workload, gpu, arguments, request.vllm_version)
    found = refusal(request, workload, instance, arguments, memory)
    return f"{plan.instance_type} does not fit: {found}." if found else None
