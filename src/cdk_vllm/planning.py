"""From an environment file to the plans of its services: one request each, one answer each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.errors import CdkVllmError, InputError
from cdk_vllm.sizing import (
    ModelShape,
    ServingPlan,
    ServingRequest,
    Workload,
    choose,
    model_shape,
    shape_from_config,
)

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_vllm.environment_file import EnvironmentFile, Service
    from cdk_vllm.environment_tables import Lora
    from cdk_vllm.sizing import EngineValue

DEFAULT_VLLM_VERSION = "0.33.0"


def plan(environment: EnvironmentFile) -> dict[str, ServingPlan]:
    """Return the plan of every service; raises `InputError` or `PlanError` naming the service."""
    return {name: _plan_service(environment, name) for name in environment.services}


def _plan_service(environment: EnvironmentFile, name: str) -> ServingPlan:
    try:
        return choose(request_for(environment, name))
    except CdkVllmError as error:
        raise type(error)(f"{environment.path}: services.{name}: {error}") from None


def request_for(
    environment: EnvironmentFile, name: str, shape: ModelShape | None = None
) -> ServingRequest:
    """Return what a service asks of the rules; `shape` spares the look-up of a known model's."""
    service = environment.services[name]
    _check_advisories(service)
    if shape is None or service.model_config_file:
        shape = _shape(service, environment.path)
    return ServingRequest(
        service=name,
        backend=service.backend,
        region=environment.region,
        model=service.model,
        revision=service.revision,
        shape=shape,
        workload=_workload(service),
        min_replicas=service.replicas.min,
        max_replicas=service.replicas.max,
        max_request_seconds=service.longest_request_seconds,
        streaming=service.streaming,
        asynchronous=service.asynchronous,
        instance_type=service.instance_type,
        vllm_version=vllm_version(service),
        engine=engine_options(service, shape),
        ttft_seconds=service.ttft_seconds,
        tpot_seconds=service.tpot_seconds,
        peak_concurrent_requests=service.peak_concurrent_requests,
        spot=service.capacity.spot,
        allow_interrupted_requests=service.allow_interrupted_requests,
        load=service.load,
        lora=service.lora.mode if service.lora else None,
        adapters=dict(service.lora.adapters) if service.lora else {},
    )


def engine_options(service: Service, shape: ModelShape) -> dict[str, EngineValue]:
    """Return vLLM's options that a service asks for, in its own words or in vLLM's.

    What the service says in vLLM's words wins over what `tools` and `reasoning` fill in. Raises
    `InputError` for a family whose parsers nobody has noted.
    """
    filled: dict[str, EngineValue] = {}
    if service.tools:
        filled |= {"enable_auto_tool_choice": True, **_parser(service, shape, "tool_call_parser")}
    if service.reasoning:
        filled |= _parser(service, shape, "reasoning_parser")
    if service.lora:
        filled |= lora_options(service.lora)
    return filled | dict(service.engine)


def lora_options(lora: Lora) -> dict[str, EngineValue]:
    """Return vLLM's options for adapters.

    In static mode every adapter keeps a slot in host memory, so that none is read from the disk
    while requests wait. In dynamic mode nobody knows their number; four batches' worth stay.
    """
    slots = len(lora.adapters) if lora.mode == "static" else 4 * lora.max_loras
    return {
        "enable_lora": True,
        "max_loras": lora.max_loras,
        "max_lora_rank": lora.max_lora_rank,
        "max_cpu_loras": max(slots, lora.max_loras),
    }


def _parser(service: Service, shape: ModelShape, option: str) -> dict[str, EngineValue]:
    if option in service.engine:
        return {}
    flags = catalog.family_flags(shape.architecture, service.model)
    found = flags and getattr(flags, option)
    if not found:
        key = "tools" if option == "tool_call_parser" else "reasoning"
        raise InputError(
            f"{key} = true needs a parser, and none is known for {service.model} "
            f"({shape.architecture}); name one of vLLM's as engine.{option}, or leave {key} out"
        )
    return {option: found}


def vllm_version(service: Service) -> str:
    """Return the vLLM version a service runs: its image's, else the package's own."""
    image = service.image
    return image.vllm_version or image.tagged_vllm_version or DEFAULT_VLLM_VERSION


def _check_advisories(service: Service) -> None:
    version, accepted = vllm_version(service), frozenset(service.image.accept_advisories)
    found = catalog.open_advisories(version, accepted)
    if found:
        ids = ", ".join(advisory.ids[0] for advisory in found)
        newest = found[-1]
        raise InputError(
            f"vLLM {version} has published security advisories ({ids}; the last is about: "
            f"{newest.what}); take {newest.fixed_in} or newer, or accept each by its id in "
            "image.accept_advisories"
        )


def assumed_output_tokens(max_model_len: int) -> int:
    """Return the answer's share of a request whose typical lengths nobody gave: an eighth.

    Such a request is taken to be the longest one, so the share decides speed, never memory.
    """
    return max(1, max_model_len // 8)


def _workload(service: Service) -> Workload:
    output = service.output_tokens or assumed_output_tokens(service.max_model_len)
    return Workload(
        max_model_len=service.max_model_len,
        prompt_tokens=service.prompt_tokens or max(service.max_model_len - output, 1),
        output_tokens=output,
        concurrent_requests=service.concurrent_requests,
    )


def _shape(service: Service, environment_path: Path) -> ModelShape:
    if service.model_config_file is None:
        return model_shape(service.model)
    path = environment_path.parent / service.model_config_file
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"model_config {path} does not exist; give a config.json") from None
    except (OSError, ValueError) as error:
        raise InputError(f"model_config {path} is not a config.json: {error}") from None
    return shape_from_config(config)
