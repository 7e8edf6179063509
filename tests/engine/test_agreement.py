"""The sizing rules against vLLM's own accounting, model by model and split by split."""

from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm.sizing import legal_tensor_parallel_sizes
from cdk_vllm.sizing.one_gpu import engine_defaults, gpu_named
from tests.engine import rules
from tests.engine.questions import MODELS, Question, config_of, questions

Answers = dict[str, dict[str, Any]]

ASKED = questions()
LEGAL = [
    question
    for question in ASKED
    if question.tensor_parallel_size in legal_tensor_parallel_sizes(rules.shape_of(question))
]
ON_GPUS = [question for question in LEGAL if question.gpu != "cpu"]
# Pools are of one size over all stages of a pipeline: that of the stage with the most layers.
POOLED = [question for question in ON_GPUS if question.stage == 0]
DRAFTED = [question for question in LEGAL if "speculative_config" in question.engine]
# vLLM loads a fused projection whose parts are no multiples of float8 blocks; the rules do not.
REFUSED_NEEDLESSLY = {f"MiMo-V2-Flash-H100-tp{size}-8192" for size in (4, 8)}
PLAIN = [question for question in LEGAL if not question.engine]


def test_at_least_twenty_architectures_are_compared() -> None:
    on_gpus = {name for model in MODELS for name in config_of(model)["architectures"]}
    on_the_cpu = {q.config["architectures"][0] for q in LEGAL if q.gpu == "cpu"}
    assert len(on_gpus) >= 20
    assert len(on_the_cpu) >= 15


@pytest.mark.parametrize("question", ASKED, ids=str)
def test_nothing_that_vllm_refuses_is_offered(question: Question, answers: Answers) -> None:
    assert "refusal" not in answers[str(question)] or question not in LEGAL


def test_nothing_else_is_refused(answers: Answers) -> None:
    refused = {str(q) for q in ASKED if q not in LEGAL and "refusal" not in answers[str(q)]}
    assert refused <= REFUSED_NEEDLESSLY


@pytest.mark.parametrize("question", LEGAL, ids=str)
def test_weights_are_those_vllm_creates(question: Question, answers: Answers) -> None:
    said = answers[str(question)]
    assert rules.parameter_bytes(question) == pytest.approx(said["parameter_bytes"], rel=1e-3)


@pytest.mark.parametrize("question", ON_GPUS, ids=str)
def test_the_cache_of_a_token_is_what_vllm_gives_it(question: Question, answers: Answers) -> None:
    said = answers[str(question)]
    mine = rules.specs(question, said["max_num_batched_tokens"])
    assert sorted(
        (spec.kind == "state", spec.page_bytes, 0 if spec.kind == "state" else spec.block_tokens)
        for spec in mine
    ) == sorted(
        (state, layer["page_bytes"], 0 if state else layer["block_tokens"])
        for layer in said["layers"]
        for state in [layer["kind"] == "MambaSpec"]
    )


@pytest.mark.parametrize("question", POOLED, ids=str)
def test_a_pool_holds_what_vllm_says(question: Question, answers: Answers) -> None:
    said = answers[str(question)]
    pool = rules.cache_pool(question, said["max_num_batched_tokens"])
    blocks = pool.blocks(question.kv_cache_bytes)
    assert blocks == said["num_blocks"]
    assert pool.logged_tokens(blocks) == said["tokens"]
    assert pool.max_concurrency(blocks) == pytest.approx(said["max_concurrency"])


@pytest.mark.parametrize("question", DRAFTED, ids=str)
def test_a_drafts_weights_are_those_vllm_creates(question: Question, answers: Answers) -> None:
    said = answers[str(question)]["draft_bytes"]
    assert rules.draft_bytes(question) == pytest.approx(said, rel=1e-2)


@pytest.mark.parametrize("gpu", ["A10G", "L40S", "A100-80GB", "H100"])
def test_the_defaults_are_those_of_vllms_server(gpu: str, answers: Answers) -> None:
    question = next(q for q in PLAIN if q.gpu == gpu and q.model.endswith("Llama-3.1-8B"))
    said = answers[str(question)]
    mine = engine_defaults(rules.shape_of(question), gpu_named(gpu), (0, 33))
    for name in ("max_num_batched_tokens", "max_num_seqs"):
        assert mine[name] == said[name]
