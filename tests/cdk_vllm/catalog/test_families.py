"""Families of models and vLLM's parsers for them."""

from __future__ import annotations

import pytest

from cdk_vllm import catalog
from cdk_vllm.sizing.speculation import METHODS


@pytest.mark.parametrize(
    ("architecture", "model", "tools", "reasoning"),
    [
        ("Qwen3ForCausalLM", "Qwen/Qwen3-8B", "hermes", "qwen3"),
        ("Qwen3MoeForCausalLM", "Qwen/Qwen3-Coder-480B-A35B-Instruct", "qwen3_coder", None),
        ("Qwen3NextForCausalLM", "Qwen/Qwen3-Next-80B-A3B-Instruct", "hermes", None),
        ("LlamaForCausalLM", "meta-llama/Llama-3.3-70B-Instruct", "llama3_json", None),
        ("GptOssForCausalLM", "openai/gpt-oss-20b", "openai", "openai_gptoss"),
        ("DeepseekV3ForCausalLM", "deepseek-ai/DeepSeek-R1", "deepseek_v3", "deepseek_r1"),
        ("DeepseekV3ForCausalLM", "moonshotai/Kimi-K2-Instruct", "kimi_k2", "kimi_k2"),
        ("MistralForCausalLM", "mistralai/Mistral-Small-24B-Instruct-2501", "mistral", None),
        ("Qwen3ForCausalLM", "acme/our-own-tune", "hermes", "qwen3"),  # by its class
    ],
)
def test_a_model_has_its_familys_parsers(
    architecture: str, model: str, tools: str, reasoning: str | None
) -> None:
    flags = catalog.family_flags(architecture, model)
    assert flags is not None
    assert (flags.tool_call_parser, flags.reasoning_parser) == (tools, reasoning)


@pytest.mark.parametrize(
    ("architecture", "model"),
    [
        ("LlamaForCausalLM", "meta-llama/Llama-2-7b-hf"),
        ("LlamaForCausalLM", "meta-llama/Llama-3.1-8B"),  # a base model has no chat template
        ("MistralForCausalLM", "mistralai/Mistral-7B-v0.1"),
    ],
)
def test_nothing_is_guessed_for_a_model_that_calls_no_tools(architecture: str, model: str) -> None:
    assert catalog.family_flags(architecture, model) is None


@pytest.mark.parametrize("name", sorted(catalog.families()))
def test_every_name_is_one_of_vllms(name: str) -> None:
    flags = catalog.families()[name]
    for option, known in catalog.parsers().items():
        assert getattr(flags, option) in {None, *known}
    assert set(flags.speculative_methods) <= set(METHODS)
    assert flags.models or flags.architectures


def test_each_pattern_is_reached() -> None:
    # A pattern behind a wider one would never be compared.
    for flags in catalog.families().values():
        for pattern in flags.models:
            name = pattern.replace("[123]", "1").replace("*", "")
            found = catalog.family_flags("", f"org/{name}")
            assert found is not None
            assert found.family == flags.family
