"""The request that most tests change one thing of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cdk_vllm.sizing import ServingRequest, Workload, model_shape

Ask = Callable[..., ServingRequest]

WORKLOAD = Workload(
    max_model_len=16384, prompt_tokens=2000, output_tokens=500, concurrent_requests=32
)


def request_for(model: str = "Qwen/Qwen3-8B", **changes: Any) -> ServingRequest:
    """Return a request for a known model; keywords change its fields or its workload's."""
    if changes.get("backend") == "sagemaker":
        changes.setdefault("max_request_seconds", 60)
    workload = {key: changes.pop(key) for key in vars(WORKLOAD) if key in changes}
    return ServingRequest(
        service="chat",
        backend=changes.pop("backend", "ecs"),
        region=changes.pop("region", "us-east-1"),
        model=model,
        revision="main",
        shape=changes.pop("shape", None) or model_shape(model),
        workload=replace(WORKLOAD, **workload),
        **changes,
    )


@pytest.fixture(scope="session")
def ask() -> Ask:
    return request_for
