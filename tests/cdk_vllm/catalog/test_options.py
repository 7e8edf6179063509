"""vLLM's options, and the policy over them."""

from __future__ import annotations

import pytest

from cdk_vllm import catalog
from cdk_vllm.catalog.toml_file import read

OPTIONS = catalog.engine_options()


@pytest.mark.parametrize(
    ("name", "flag", "kind"),
    [
        ("tensor_parallel_size", "--tensor-parallel-size", "int"),
        ("gpu_memory_utilization", "--gpu-memory-utilization", "float"),
        ("enforce_eager", "--enforce-eager", "flag"),
        ("dtype", "--dtype", "choices"),
        ("limit_mm_per_prompt", "--limit-mm-per-prompt", "json"),
        ("tool_call_parser", "--tool-call-parser", "choices"),
        ("chat_template", "--chat-template", "str"),
        ("max_num_queued_reqs", "--max-num-queued-reqs", "int"),
    ],
)
def test_an_option(name: str, flag: str, kind: str) -> None:
    option = OPTIONS[name]
    assert (option.flag, option.kind) == (flag, kind)


def test_aliases_negatives_and_lists() -> None:
    assert OPTIONS["gpu_memory_utilization"].aliases == ("--device-memory-utilization",)
    assert OPTIONS["enforce_eager"].negative == "--no-enforce-eager"
    assert OPTIONS["enable_prefix_caching"].negative == "--disable-prefix-caching"
    assert OPTIONS["disable_log_stats"].negative is None
    assert OPTIONS["served_model_name"].many
    assert "hermes" in OPTIONS["tool_call_parser"].choices


def test_the_policy_names_options_that_exist_and_gone_ones_do_not() -> None:
    policy = read("engine_policy.toml")
    for group in ("owned", "unsafe", "unsized"):
        assert set(policy[group]) <= set(OPTIONS), group
    assert not set(policy["gone"]) & set(OPTIONS)


def test_what_the_plan_sets_itself_is_not_forbidden_but_what_it_cannot_honour_is() -> None:
    forbidden = catalog.forbidden_options()
    assert {"trust_remote_code", "swap_space", "lora_modules", "model"} <= set(forbidden)
    sized = {"max_num_seqs", "gpu_memory_utilization", "enforce_eager", "enable_lora"}
    assert not (sized | {"max_loras", "max_lora_rank", "speculative_config"}) & set(forbidden)
