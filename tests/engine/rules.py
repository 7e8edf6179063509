"""What the sizing rules say to the engine's questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.sizing import shape_from_config
from cdk_vllm.sizing.blueprint import anatomy_of
from cdk_vllm.sizing.dtypes import kv_cache_bytes
from cdk_vllm.sizing.kv_groups import Pool, pool
from cdk_vllm.sizing.kv_specs import CacheOptions, Spec, layer_specs
from cdk_vllm.sizing.modules import Parallel
from cdk_vllm.sizing.speculation import draft_of
from cdk_vllm.sizing.stored import Target
from cdk_vllm.sizing.weights import parameter_bytes_per_rank, stage_layers
from tests.engine.pretended_gpu import GPUS

if TYPE_CHECKING:
    from cdk_vllm.sizing import ModelShape
    from tests.engine.questions import Question


def shape_of(question: Question) -> ModelShape:
    """Return the shape of a question's model."""
    return shape_from_config(question.config)


def parallel_of(question: Question) -> Parallel:
    """Return how a question's model is split."""
    return Parallel(
        tensor=question.tensor_parallel_size,
        pipeline=question.pipeline_parallel_size,
        experts=bool(question.engine.get("enable_expert_parallel")),
    )


def target_of(question: Question) -> Target:
    """Return what runs a question's model."""
    if question.gpu == "cpu":
        return Target(vllm=(0, 32))
    return Target(capability=GPUS[question.gpu][1], vllm=(0, 33))


def options_of(question: Question, batched_tokens: int) -> CacheOptions:
    """Return a question's options for the KV cache, with vLLM's own default of batched tokens."""
    shape, target = shape_of(question), target_of(question)
    draft = draft_of(shape, question.engine)
    return CacheOptions(
        max_model_len=question.max_model_len,
        max_num_batched_tokens=batched_tokens,
        element_bytes=kv_cache_bytes(shape, question.engine, target.capability),
        speculative_tokens=draft.tokens,
        draft_layers=draft.cache_layers,
        prefix_caching=bool(question.engine.get("enable_prefix_caching", True)),
    )


def parameter_bytes(question: Question) -> int:
    """Return the bytes of one rank's parameters, as created."""
    parallel = parallel_of(question)
    return parameter_bytes_per_rank(
        shape_of(question), parallel.tensor, parallel, question.stage, target_of(question)
    )


def draft_bytes(question: Question) -> int:
    """Return a draft's weights on one rank, as allocated."""
    draft = draft_of(shape_of(question), question.engine)
    return draft.weight_bytes(parallel_of(question))


def specs(question: Question, batched_tokens: int) -> list[Spec]:
    """Return the KV cache's layers on the pipeline stage."""
    anatomy, parallel = anatomy_of(shape_of(question)), parallel_of(question)
    options = options_of(question, batched_tokens)
    held = stage_layers(len(anatomy.layers), parallel.pipeline, question.stage)
    found = layer_specs(anatomy, parallel, options, target_of(question))
    return [spec for layer, spec in found if layer in held]


def cache_pool(question: Question, batched_tokens: int) -> Pool:
    """Return how the KV cache is pooled."""
    options = options_of(question, batched_tokens)
    return pool(shape_of(question), parallel_of(question), options, target_of(question))
