"""The user's own vLLM options, each checked before anything is built with it."""

from __future__ import annotations

import pytest

from cdk_vllm.errors import InputError
from cdk_vllm.sizing import validate_engine_options


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"enable_prefix_caching": True, "max_num_seqs": 64},
        {"gpu_memory_utilization": 0.9, "dtype": "half", "kv_cache_dtype": "fp8"},
        {"tool_call_parser": "hermes", "enable_auto_tool_choice": True},
        {"default_chat_template_kwargs": '{"enable_thinking": false}'},
        {"tensor_parallel_size": 2, "enforce_eager": True, "seed": 7},
        {"served_model_name": "chat"},
        {"kv_cache_metrics_sample": 1},  # a whole number where vLLM takes any
    ],
)
def test_fine(options: dict[str, object]) -> None:
    validate_engine_options(options)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("max_num_seq", 8, 'Did you mean "max_num_seqs"'),
        ("max-num-seqs", 8, 'Did you mean "max_num_seqs"'),
        ("swap_space", 4, "no swap"),
        ("speculative_model", "x", "speculative_config"),
        ("trust_remote_code", True, "runs code"),
        ("api_key", "x", "Secrets Manager"),
        ("enable_log_requests", True, "prompts"),
        ("max_model_len", 1024, "`max_model_len`"),
        ("lora_modules", "a=b", "model store"),
        ("quantization", "fp8", "checkpoint"),
        ("disable_prefix_caching", True, "enable_prefix_caching = false"),
        ("no_enforce_eager", True, "enforce_eager = false"),
        ("enforce_eager", "yes", "true or false"),
        ("max_num_seqs", 8.5, "whole number"),
        ("max_num_seqs", True, "whole number"),
        ("max_num_seqs", 0, "above 0"),
        ("gpu_memory_utilization", "0.9", "a number"),
        ("gpu_memory_utilization", 1.0, "below 1"),
        ("tensor_parallel_size", 3, "1, 2, 4 or 8"),
        ("dtype", "float32", "bfloat16"),
        ("dtype", "bfloat17", 'Did you mean "bfloat16"'),
        ("kv_cache_dtype", "nvfp4", "fp8"),
        ("scheduling_policy", "lifo", "fcfs"),
        ("generation_config", 1, "a string"),
        ("default_chat_template_kwargs", "{", "JSON"),
    ],
)
def test_refused_with_the_reason(name: str, value: object, words: str) -> None:
    with pytest.raises(InputError) as error:
        validate_engine_options({name: value})
    assert name in str(error.value)
    assert words in str(error.value)
