"""The arguments that make a prediction true, and their flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm import catalog
from cdk_vllm.sizing import to_flags
from cdk_vllm.sizing.engine_args import default_batched_tokens, engine_args

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingRequest

    Ask = Callable[..., ServingRequest]


def test_the_rules_own_arguments(ask: Ask) -> None:
    assert engine_args(ask(), catalog.gpus()["L40S"], 2) == {
        "served_model_name": "Qwen/Qwen3-8B",
        "tensor_parallel_size": 2,
        "max_model_len": 16384,
        "max_num_seqs": 36,
        "max_num_batched_tokens": 2048,
        "gpu_memory_utilization": 0.92,
        "dtype": "bfloat16",
        "kv_cache_dtype": "auto",
    }


def test_the_users_options_are_over_the_rules(ask: Ask) -> None:
    own: dict[str, Any] = {
        "max_num_seqs": 3000,
        "gpu_memory_utilization": 0.8,
        "dtype": "half",
        "served_model_name": "chat",
        "enable_prefix_caching": False,
    }
    arguments = engine_args(ask(engine=own), catalog.gpus()["L40S"], 1)
    assert arguments["dtype"] == "float16"
    assert arguments["max_num_batched_tokens"] == 3000  # vLLM wants one token for each request
    for name in ("max_num_seqs", "gpu_memory_utilization", "served_model_name"):
        assert arguments[name] == own[name]


def test_a_prompt_that_is_not_chunked_is_batched_whole(ask: Ask) -> None:
    request = ask(engine={"enable_chunked_prefill": False})
    assert engine_args(request, catalog.gpus()["L40S"], 1)["max_num_batched_tokens"] == 16384


@pytest.mark.parametrize(
    ("gpu", "tokens"),
    [("L4", 2048), ("A100-80GB", 2048), ("H100", 8192), ("H200", 8192), ("B200", 16384)],
)
def test_batched_tokens_default_as_vllms_server_does(gpu: str, tokens: int) -> None:
    assert default_batched_tokens(catalog.gpus()[gpu]) == tokens


@pytest.mark.parametrize(
    ("arguments", "flags"),
    [
        ({"max_num_seqs": 8}, ["--max-num-seqs", "8"]),
        ({"enforce_eager": True}, ["--enforce-eager"]),
        ({"enforce_eager": False}, ["--no-enforce-eager"]),
        ({"enable_prefix_caching": False}, ["--disable-prefix-caching"]),
        ({"disable_cascade_attn": False}, ["--enable-cascade-attn"]),
        ({"aggregate_engine_logging": False}, []),
        ({"served_model_name": "a b"}, ["--served-model-name", "a", "b"]),
        ({"limit_mm_per_prompt": '{"image": 2}'}, ["--limit-mm-per-prompt", '{"image": 2}']),
    ],
)
def test_flags(arguments: dict[str, Any], flags: list[str]) -> None:
    assert to_flags(arguments) == flags
