"""What a draft adds to weights and to the KV cache."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cdk_vllm.errors import InputError
from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.kv_groups import pool
from cdk_vllm.sizing.kv_specs import CacheOptions
from cdk_vllm.sizing.modules import Parallel
from cdk_vllm.sizing.speculation import draft_of
from cdk_vllm.sizing.stored import Target
from cdk_vllm.sizing.units import GIB
from cdk_vllm.sizing.weights import weights_bytes_per_rank

LLAMA = model_shape("meta-llama/Llama-3.1-8B")


def ask(**table: Any) -> dict[str, Any]:
    return {"speculative_config": json.dumps({"num_speculative_tokens": 3} | table)}


def test_no_draft_adds_nothing() -> None:
    draft = draft_of(LLAMA, {})
    assert (draft.tokens, draft.cache_layers, draft.weight_bytes(Parallel())) == (0, 0, 0)


def test_ngrams_weigh_nothing() -> None:
    draft = draft_of(LLAMA, ask(method="ngram"))
    assert (draft.tokens, draft.cache_layers, draft.weight_bytes(Parallel())) == (3, 0, 0)


def test_eagle_is_one_more_layer_as_logged() -> None:
    draft = draft_of(LLAMA, ask(method="eagle"))
    options = CacheOptions(
        max_model_len=131072, max_num_batched_tokens=8192, draft_layers=draft.cache_layers
    )
    cache = pool(LLAMA, Parallel(), options, Target(vllm=(0, 11)))
    blocks = cache.blocks(int(51.63 * GIB))
    assert cache.block_bytes == 33 * 16 * 4096
    assert cache.logged_tokens(blocks) == 410_128  # a public log's
    assert 0.4 < draft.weight_bytes(Parallel()) / GIB < 0.6


def test_a_smaller_model_brings_all_its_layers() -> None:
    draft = draft_of(LLAMA, ask(model="meta-llama/Llama-3.2-1B-Instruct"))
    small = model_shape("meta-llama/Llama-3.2-1B-Instruct")
    assert draft.cache_layers == 16
    assert draft.weight_bytes(Parallel()) == weights_bytes_per_rank(small, 1)


def test_deepseeks_own_draft_is_a_layer_of_experts() -> None:
    shape = model_shape("deepseek-ai/DeepSeek-R1")
    draft = draft_of(shape, ask(method="deepseek_mtp"))
    assert draft.method == "mtp"
    assert 10 < draft.weight_bytes(Parallel()) / GIB < 13


@pytest.mark.parametrize(
    ("model", "size_bytes"),
    [("Qwen/Qwen3-Next-80B-A3B-Instruct", 416_048_128), ("Qwen/Qwen3.5-27B", 108_841_984)],
)
def test_the_input_of_some_drafts_is_shared_out(model: str, size_bytes: int) -> None:
    draft = draft_of(model_shape(model), ask(method="mtp"))
    found = draft.weight_bytes(Parallel(tensor=8))
    assert found == pytest.approx(size_bytes, rel=0.01)  # what vLLM 0.33.0 creates on one of 8


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{", "must be JSON"),
        ("[]", "must be JSON"),
        (json.dumps({"method": "magic", "num_speculative_tokens": 3}), 'method is "magic"'),
        (json.dumps({"method": "ngram"}), "num_speculative_tokens must be"),
        (json.dumps({"method": "draft_model", "num_speculative_tokens": 3}), "must name the draft"),
    ],
)
def test_a_wrong_draft_is_refused(config: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        draft_of(LLAMA, {"speculative_config": config})
