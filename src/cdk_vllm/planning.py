"""From an environment file to the plans of its services: one request each, one answer each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

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
        max_request_seconds=service.max_request_seconds,
        instance_type=service.instance_type,
        vllm_version=vllm_version(service),
        engine=dict(service.engine),
    )


def vllm_version(service: Service) -> str:
    """Return the vLLM version a service runs: its image's, else the package's own."""
    image = service.image
    return image.vllm_version or image.tagged_vllm_version or DEFAULT_VLLM_VERSION


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
