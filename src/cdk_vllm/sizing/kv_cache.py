"""The KV cache: bytes per token, blocks, tokens, and the concurrency vLLM logs.

Source: vLLM 0.33.0's v1/kv_cache_interface.py (page size), config/model.py (KV heads per rank) and
v1/core/kv_cache_utils.py (the logged size and concurrency), for attention of one kind throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.sizing.weights import kv_heads_per_rank

if TYPE_CHECKING:
    from cdk_vllm.sizing.kv_groups import Pool
    from cdk_vllm.sizing.plan import ModelShape, Workload

BLOCK_TOKENS = 16

# Room beside the workload's own demand, so that a burst or a long answer does not evict others.
SAFETY_PERCENT = 110


def bytes_per_token(shape: ModelShape, tensor_parallel_size: int, element_bytes: int = 2) -> int:
    """Return one rank's KV bytes for one token; KV heads are replicated beyond one per rank."""
    heads = kv_heads_per_rank(shape, tensor_parallel_size)
    return 2 * shape.num_hidden_layers * heads * shape.head_dim * element_bytes


def blocks(kv_cache_bytes: int, per_token_bytes: int) -> int:
    """Return the whole blocks of 16 tokens that fit."""
    return max(0, kv_cache_bytes) // (per_token_bytes * BLOCK_TOKENS)


def blocks_for(tokens: int) -> int:
    """Return the blocks that one request of `tokens` takes."""
    return -(-tokens // BLOCK_TOKENS)


def max_concurrency(num_blocks: int, max_model_len: int) -> float:
    """Return how many requests of `max_model_len` fit, as vLLM logs it."""
    return num_blocks / blocks_for(max_model_len)


def logged_tokens(num_blocks: int, max_model_len: int) -> int:
    """Return the "GPU KV cache size" that vLLM logs: the concurrency in tokens."""
    return num_blocks * max_model_len // blocks_for(max_model_len)


def needed_tokens(workload: Workload) -> int:
    """Return the tokens the workload asks for, in whole blocks, with the safety margin.

    The demand is every concurrent request at its typical length, and at least one request of
    `max_model_len`.
    """
    typical = blocks_for(workload.prompt_tokens + workload.output_tokens)
    demand = max(typical * workload.concurrent_requests, blocks_for(workload.max_model_len))
    return -(-demand * SAFETY_PERCENT // 100) * BLOCK_TOKENS


def needed_blocks(workload: Workload, cache: Pool) -> int:
    """Return the blocks the workload asks of a pool, over all groups, with the safety margin."""
    typical = cache.blocks_for(workload.prompt_tokens + workload.output_tokens)
    demand = max(typical * workload.concurrent_requests, cache.blocks_per_request)
    return -(-demand * SAFETY_PERCENT // 100)
