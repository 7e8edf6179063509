"""What one rank reads and computes for a token, counted from a model's layers.

Bytes are what a step must read from the GPU's memory, flops two for each weight a token meets.
Kernels are counted as vLLM launches them for a decoding step, one for each norm, projection,
attention, activation and routing step; their tails and gaps are what small batches wait for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_vllm.sizing.anatomy import Attention, Dense, Latent, Mixture, Recurrent
from cdk_vllm.sizing.speed.formats import Formats, WeightFormat

if TYPE_CHECKING:
    from cdk_vllm.sizing.anatomy import Anatomy, Layer, Mixer


SIXTEEN_BIT = Formats()


@dataclass(frozen=True, kw_only=True)
class CacheRead:
    """What decoding reads for each token a request has behind it, up to `window` of them."""

    bytes_per_token: float
    flops_per_token: float
    prefill_flops_per_token: float
    window: int | None


@dataclass(kw_only=True)
class Work:
    """One rank's part of a model. Flops are for one token, by the bits of their arithmetic."""

    hidden: int
    ranks: int
    resident_bytes: float = 0.0
    head_bytes: float = 0.0
    expert_bytes: float = 0.0
    experts: int = 0
    top_k: int = 0
    flops: dict[int, float]
    head_flops: float = 0.0
    expert_flops: float = 0.0
    expert_bits: int = 16
    state_bytes: float = 0.0
    kernels: int = 0
    all_reduces: int = 0
    cache: list[CacheRead]


def work_of(
    anatomy: Anatomy,
    tensor_parallel_size: int,
    formats: Formats = SIXTEEN_BIT,
    cache_bytes: int = 2,
    expert_ranks: int | None = None,
) -> Work:
    """Return one rank's work; `expert_ranks` share the experts where that is not the same."""
    tp = tensor_parallel_size
    head = anatomy.vocab * anatomy.hidden / tp
    work = Work(
        hidden=anatomy.hidden,
        ranks=expert_ranks or tp,
        head_bytes=head * anatomy.element_bytes,
        head_flops=2 * head,
        flops={4: 0.0, 8: 0.0, 16: 0.0},
        cache=[],
        kernels=3,  # the embedding, the last norm and the sampler
    )
    for layer in anatomy.layers:
        _add_layer(work, layer, formats, tp, cache_bytes)
    return work


def _add_layer(work: Work, layer: Layer, formats: Formats, tp: int, cache_bytes: int) -> None:
    if layer.mixer is not None:
        weights = _mixer_weights(layer.mixer, work.hidden, tp)
        _add_weights(work, weights, formats.mixer)
        work.kernels += _mixer_kernels(layer.mixer) + 2 * formats.mixer.quantizes
        work.all_reduces += 1 + _norms_across_ranks(layer.mixer)
        _add_cache(work, layer.mixer, tp, cache_bytes)
    for mlp in layer.mlps:
        work.all_reduces += 1
        if isinstance(mlp, Dense):
            _add_weights(work, (mlp.gates + 1) * work.hidden * mlp.inner / tp, formats.dense)
            work.kernels += 4 + 2 * formats.dense.quantizes
        else:
            _add_mixture(work, mlp, formats, tp)


def _add_weights(work: Work, weights: float, form: WeightFormat) -> None:
    work.resident_bytes += weights * form.bytes_per_weight
    work.flops[form.math_bits] += 2 * weights


def _add_mixture(work: Work, mlp: Mixture, formats: Formats, tp: int) -> None:
    """Add the router, the shared expert, and the routed experts, of which a step reads a part."""
    _add_weights(work, mlp.experts * work.hidden, WeightFormat())
    if mlp.shared:
        _add_weights(work, (mlp.gates + 1) * work.hidden * mlp.shared / tp, formats.dense)
        work.kernels += 4 + 2 * formats.dense.quantizes
    expert = (mlp.gates + 1) * (mlp.latent or work.hidden) * mlp.inner / work.ranks
    work.experts, work.top_k = mlp.experts, mlp.top_k
    work.expert_bytes += mlp.experts * expert * formats.experts.bytes_per_weight
    work.expert_flops += 2 * mlp.top_k * expert
    work.expert_bits = formats.experts.math_bits
    work.kernels += 8 + 2 * formats.experts.quantizes


def _mixer_weights(mixer: Mixer, hidden: int, tp: int) -> float:
    if isinstance(mixer, Attention):
        query = mixer.heads / tp * mixer.head_dim
        kv_heads = 0 if mixer.shares_cache else max(1, mixer.kv_heads / tp)
        kept = kv_heads * (mixer.head_dim + mixer.v_head_dim)
        return hidden * ((1 + mixer.gated) * query + kept + mixer.heads / tp * mixer.v_head_dim)
    if isinstance(mixer, Latent):
        heads = mixer.heads / tp
        whole = hidden * (mixer.q_rank + mixer.kv_rank + mixer.rope_dim)
        query = (mixer.q_rank or hidden) * heads * (mixer.nope_dim + mixer.rope_dim)
        latent = heads * mixer.kv_rank * (mixer.nope_dim + mixer.v_dim)
        return whole + query + latent + heads * mixer.v_dim * hidden
    keys = 2 * mixer.groups * mixer.state
    inner = mixer.heads * mixer.head_dim if mixer.kind == "delta" else mixer.inner
    return hidden * (3 * inner + keys) / tp


def _mixer_kernels(mixer: Mixer) -> int:
    """Count a norm, projections, positions, the cache's update, attention and the output.

    MLA has two norms more, four projections around its latent vector, and a combining step.
    """
    if isinstance(mixer, Attention):
        return 6 + (mixer.qk_norm != "none")
    if isinstance(mixer, Latent):
        return 13 + (6 if mixer.index_heads else 0)
    return 7


def _norms_across_ranks(mixer: Mixer) -> bool:
    """Whether queries and keys are normalised over all heads, which costs an all-reduce more."""
    return isinstance(mixer, Attention) and mixer.qk_norm in ("full", "ranked")


def _add_cache(work: Work, mixer: Mixer, tp: int, cache_bytes: int) -> None:
    if isinstance(mixer, Recurrent):
        state = mixer.heads * mixer.head_dim * mixer.state if mixer.kind != "mamba" else (
            mixer.inner * mixer.state
        )  # fmt: skip
        work.state_bytes += 2 * state * mixer.state_bytes / tp  # read, and written back
        return
    if isinstance(mixer, Latent):
        heads, width = mixer.heads / tp, mixer.kv_rank + mixer.rope_dim
        read = CacheRead(
            bytes_per_token=width * cache_bytes,
            flops_per_token=2 * heads * (width + mixer.kv_rank),
            prefill_flops_per_token=2 * heads * (mixer.nope_dim + mixer.rope_dim + mixer.v_dim),
            window=None,
        )
    else:
        kv_heads, width = max(1, mixer.kv_heads / tp), mixer.head_dim + mixer.v_head_dim
        read = CacheRead(
            bytes_per_token=kv_heads * width * cache_bytes,
            flops_per_token=2 * mixer.heads / tp * width,
            prefill_flops_per_token=2 * mixer.heads / tp * width,
            window=mixer.window or mixer.chunk,
        )
    work.cache.append(read)
