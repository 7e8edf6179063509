"""The peak of transient memory, which vLLM measures with a dummy pass before it sizes the KV cache.

The pass runs `max_num_batched_tokens` tokens, then logits and sampling for as many requests as may
run at once; the larger of the two is the peak. Fitted on public vLLM logs: 12 of 13 points within
2.5 %, with the constant of the engine that ran them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.sizing.weights import WEIGHT_BYTES, padded_vocab_size

if TYPE_CHECKING:
    from cdk_vllm.sizing.plan import ModelShape

# Bytes per logit of PyTorch's own top-k and top-p sampling, the worst path an engine may take:
# 28.5 since it accumulates in place (vLLM 0.2x), 38.3 up to vLLM 0.11. FlashInfer's takes about 10.
SAMPLER_BYTES_PER_LOGIT = 28.5
SAMPLER_BYTES_PER_LOGIT_UP_TO_0_11 = 38.3


def activation_bytes(
    shape: ModelShape,
    tensor_parallel_size: int,
    max_num_batched_tokens: int,
    max_num_seqs: int,
    sampler_bytes_per_logit: float = SAMPLER_BYTES_PER_LOGIT,
) -> int:
    """Return the peak on one rank: the larger of the forward pass and the sampler."""
    forward = forward_bytes(shape, tensor_parallel_size, max_num_batched_tokens)
    sampler = sampler_bytes(shape, max_num_batched_tokens, max_num_seqs, sampler_bytes_per_logit)
    return max(forward, sampler)


def forward_bytes(shape: ModelShape, tensor_parallel_size: int, max_num_batched_tokens: int) -> int:
    """Return the peak of the forward pass: hidden states, and an MLP's or its experts' buffers.

    The experts' part is an estimate: vLLM's fused experts keep, for each of a token's experts, the
    gate and up projections, their product and the output.
    """
    per_token = 4 * shape.hidden_size
    if shape.num_experts:
        inner = 3 * shape.moe_intermediate_size // tensor_parallel_size
        per_token += shape.num_experts_per_tok * (inner + shape.hidden_size)
    else:
        per_token += 3 * shape.intermediate_size // tensor_parallel_size
    return max_num_batched_tokens * per_token * WEIGHT_BYTES


def sampler_bytes(
    shape: ModelShape,
    max_num_batched_tokens: int,
    max_num_seqs: int,
    bytes_per_logit: float = SAMPLER_BYTES_PER_LOGIT,
) -> int:
    """Return the peak of sampling; logits are gathered, so that ranks do not share it."""
    requests = min(max_num_seqs, max_num_batched_tokens)
    hidden_states = max_num_batched_tokens * shape.hidden_size * WEIGHT_BYTES
    return hidden_states + int(requests * padded_vocab_size(shape) * bytes_per_logit)
