"""The peak of transient memory, which vLLM measures with a dummy pass before it sizes the KV cache.

The pass runs `max_num_batched_tokens` tokens, then logits and sampling for as many requests as may
run at once; the larger of the two is the peak. Fitted on public vLLM logs: 12 of 13 points within
2.5 %, with the constant of the engine that ran them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from cdk_vllm.sizing.anatomy import Mixture
from cdk_vllm.sizing.blueprint import anatomy_of
from cdk_vllm.sizing.engine_version import NEWEST, parse_version, profiling
from cdk_vllm.sizing.weights import WEIGHT_BYTES, padded_vocab_size

if TYPE_CHECKING:
    from cdk_vllm.sizing.anatomy import Anatomy
    from cdk_vllm.sizing.plan import ModelShape

SAMPLER_BYTES_PER_LOGIT = profiling(parse_version(NEWEST)).sampler_bytes_per_logit
SAMPLER_BYTES_PER_LOGIT_UP_TO_0_11 = profiling((0, 11)).sampler_bytes_per_logit


def activation_bytes(
    shape: ModelShape,
    tensor_parallel_size: int,
    max_num_batched_tokens: int,
    max_num_seqs: int,
    sampler_bytes_per_logit: float = SAMPLER_BYTES_PER_LOGIT,
) -> int:
    """Return the peak on one rank: the larger of the forward pass and the sampler.

    A multimodal model also holds the outputs of its encoder for a whole batch.
    """
    forward = forward_bytes(shape, tensor_parallel_size, max_num_batched_tokens)
    sampler = sampler_bytes(shape, max_num_batched_tokens, max_num_seqs, sampler_bytes_per_logit)
    return max(forward, sampler) + encoder_bytes(shape, max_num_batched_tokens)


def forward_bytes(shape: ModelShape, tensor_parallel_size: int, max_num_batched_tokens: int) -> int:
    """Return the peak of the forward pass: hidden states, and an MLP's or its experts' buffers.

    The experts' part is an estimate: vLLM's fused experts keep, for each of a token's experts, the
    gate and up projections, their product and the output.
    """
    per_token = 4 * shape.hidden_size + _widest_mlp(shape, tensor_parallel_size)
    return max_num_batched_tokens * per_token * WEIGHT_BYTES


@lru_cache(maxsize=512)
def _widest_mlp(shape: ModelShape, tensor_parallel_size: int) -> int:
    return widest_mlp(anatomy_of(shape), tensor_parallel_size)


def widest_mlp(anatomy: Anatomy, tensor_parallel_size: int) -> int:
    """Return the most elements a token takes inside any layer's MLPs on one rank."""
    widest = 0
    for mlps in dict.fromkeys(layer.mlps for layer in anatomy.layers):
        for mlp in mlps:
            inner = (mlp.gates + 1) * mlp.inner // tensor_parallel_size
            if isinstance(mlp, Mixture):
                shared = (mlp.gates + 1) * mlp.shared // tensor_parallel_size
                inner = max(mlp.top_k * (inner + (mlp.latent or anatomy.hidden)), shared)
            widest = max(widest, inner)
    return widest


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


def encoder_bytes(shape: ModelShape, max_num_batched_tokens: int) -> int:
    """Return what the outputs of an image encoder take, which the profiling pass holds."""
    if not anatomy_of(shape).towers:
        return 0
    return max_num_batched_tokens * shape.hidden_size * WEIGHT_BYTES
