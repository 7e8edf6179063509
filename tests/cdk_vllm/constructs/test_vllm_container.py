"""How vLLM is started: the same options on both backends, each in its own way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.constructs.vllm_container import (
    ecs_command,
    ecs_environment,
    sagemaker_environment,
    serve_options,
)

if TYPE_CHECKING:
    from cdk_vllm.sizing import EngineValue, ServingPlan

URI = "s3://bucket/models/Qwen/Qwen3-8B/main/"


def with_engine(plan: ServingPlan, **options: EngineValue) -> ServingPlan:
    return replace(plan, engine_args=plan.engine_args | options)


def test_the_model_comes_first_and_the_plans_options_follow(ecs_plan: ServingPlan) -> None:
    uri, *words = ecs_command(ecs_plan, URI)
    assert uri == URI
    for flag, value in (
        ("--served-model-name", "Qwen/Qwen3-8B"),
        ("--max-model-len", "16384"),
        ("--gpu-memory-utilization", "0.92"),
        ("--load-format", "runai_streamer"),
        ("--shutdown-timeout", "120"),
        ("--max-num-queued-reqs", "72"),
    ):
        assert words[words.index(flag) + 1] == value
    assert "--disable-fastapi-docs" in words


def test_a_service_may_change_what_is_only_a_default(ecs_plan: ServingPlan) -> None:
    options = serve_options(with_engine(ecs_plan, max_num_queued_reqs=500))
    assert options["max_num_queued_reqs"] == 500


@pytest.mark.parametrize("name", ["shutdown_timeout", "disable_fastapi_docs"])
def test_a_service_may_not_change_what_is_fixed(ecs_plan: ServingPlan, name: str) -> None:
    assert serve_options(with_engine(ecs_plan, **{name: 0}))[name] != 0


def test_a_server_keeps_connections_longer_than_the_balancer(ecs_plan: ServingPlan) -> None:
    assert ecs_environment(ecs_plan)["VLLM_HTTP_TIMEOUT_KEEP_ALIVE"] == "420"


def test_sagemaker_gets_each_option_as_a_variable(sagemaker_plan: ServingPlan) -> None:
    plan = with_engine(sagemaker_plan, enable_prefix_caching=True, async_scheduling=False)
    variables = sagemaker_environment(plan)
    assert variables["SM_VLLM_ENABLE_PREFIX_CACHING"] == "true"
    assert variables["SM_VLLM_ASYNC_SCHEDULING"] == "false"
    assert variables["SM_VLLM_MAX_MODEL_LEN"] == "16384"
    assert variables["SM_VLLM_LOAD_FORMAT"] == "safetensors"
    assert 0 < int(variables["SM_VLLM_SHUTDOWN_TIMEOUT"]) <= 25
    assert all(isinstance(value, str) for value in variables.values())


def test_neither_phones_home(ecs_plan: ServingPlan, sagemaker_plan: ServingPlan) -> None:
    for variables in (ecs_environment(ecs_plan), sagemaker_environment(sagemaker_plan)):
        assert variables["VLLM_NO_USAGE_STATS"] == "1"
        assert variables["HF_HUB_OFFLINE"] == "1"
        assert variables["STANDARD_AUTO_INSTALL_REQ"] == "false"
