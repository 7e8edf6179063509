"""What each layer keeps of a request: the page of one block, and how many blocks a request takes.

Source: vLLM 0.33.0's v1/kv_cache_interface.py (pages and blocks), platforms/interface.py (blocks of
hybrids, padded states), platforms/cuda.py and v1/attention (block sizes of the backends),
layers/mamba (states). Versions differ, and logs of several are at hand, so `EngineRules` names what
changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import lcm
from typing import TYPE_CHECKING, Literal

from cdk_vllm.sizing.anatomy import Attention, Latent, Recurrent
from cdk_vllm.sizing.modules import Parallel, groups_per_model

if TYPE_CHECKING:
    from cdk_vllm.sizing.anatomy import Anatomy, Mixer
    from cdk_vllm.sizing.stored import Target

BLOCK_TOKENS = 16


@dataclass(frozen=True, kw_only=True)
class EngineRules:
    """What a version of vLLM does with the cache.

    `batches_in_flight` are scheduled at once under asynchronous scheduling; `state_pages` are kept
    of a recurrent state, two where prefix caching keeps its last block's, and one where a prefill
    exports checkpoints; `tokens_by_concurrency` is how the log counts.
    """

    batches_in_flight: int
    states_aligned: bool
    checkpoints: bool
    tokens_by_concurrency: bool


def engine_rules(vllm: tuple[int, int]) -> EngineRules:
    """Return the rules of a vLLM version, as (major, minor)."""
    return EngineRules(
        batches_in_flight=2 if vllm >= (0, 14) else 1,
        states_aligned=vllm >= (0, 24),
        checkpoints=vllm >= (0, 31),
        tokens_by_concurrency=vllm >= (0, 15),
    )


@dataclass(frozen=True, kw_only=True)
class CacheOptions:
    """The engine's options that decide the cache; `element_bytes` is one number in it."""

    max_model_len: int
    max_num_batched_tokens: int
    element_bytes: int = 2
    block_tokens: int | None = None
    speculative_tokens: int = 0
    draft_layers: int = 0
    prefix_caching: bool = True


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One layer's cache: `page_bytes` of a block of `block_tokens`, bounded by what it looks at.

    `bound` is the window or the chunk; `pages` is how many a request's state takes. `signature`
    holds what else must agree before two layers share a group.
    """

    kind: Literal["full", "latent", "sliding", "chunked", "state"]
    block_tokens: int
    page_bytes: int
    bound: int = 0
    pages: int = 0
    signature: tuple[int, ...] = ()

    def blocks_for(self, tokens: int, in_flight_tokens: int) -> int:
        """Return the most blocks that one request of a length holds at once."""
        block = self.block_tokens
        if self.kind == "state":
            return self.pages
        if self.kind == "sliding":
            return -(-min(self.bound - 1 + in_flight_tokens, tokens) // block) + 1
        if self.kind == "chunked":
            tokens = min(self.bound + in_flight_tokens, tokens)
        return -(-tokens // block)


def layer_specs(
    anatomy: Anatomy, parallel: Parallel, options: CacheOptions, target: Target
) -> list[tuple[int, Spec]]:
    """Return the specs of all layers that cache something, with their layers' indices."""
    block = attention_block(anatomy, options, target)
    block, padded = hybrid_block(anatomy, parallel, options, target, block)
    known: dict[Mixer | None, list[Spec]] = {}
    specs: list[tuple[int, Spec]] = []
    for index, layer in enumerate(anatomy.layers):
        mixer = layer.mixer
        if mixer not in known:
            known[mixer] = _mixer_specs(mixer, parallel, options, target, (block, padded))
        specs += [(index, spec) for spec in known[mixer]]
    return specs + _draft_specs(specs, options.draft_layers)


def _mixer_specs(
    mixer: Mixer | None,
    parallel: Parallel,
    options: CacheOptions,
    target: Target,
    block_and_page: tuple[int, int],
) -> list[Spec]:
    """Return what one layer's mixer caches: of latent attention, its indexer's keys too."""
    block, padded = block_and_page
    if isinstance(mixer, Attention) and not mixer.shares_cache:
        return [_attention_spec(mixer, parallel, options, block)]
    if isinstance(mixer, Latent):
        return _latent_specs(mixer, options, block)
    if isinstance(mixer, Recurrent):
        return [_state_spec(mixer, parallel, options, target, padded)]
    return []


def _draft_specs(specs: list[tuple[int, Spec]], count: int) -> list[tuple[int, Spec]]:
    """Return a draft's layers, whose caches are those of the target's last full attention."""
    whole = [(index, spec) for index, spec in specs if spec.kind in ("full", "latent")]
    return (whole or specs)[-1:] * count


def attention_block(anatomy: Anatomy, options: CacheOptions, target: Target) -> int:
    """Return the tokens of a block: 16, unless the attention backend of the GPU needs more."""
    if options.block_tokens is not None:
        return options.block_tokens
    latent = [layer.mixer for layer in anatomy.layers if isinstance(layer.mixer, Latent)]
    eight_bit = options.element_bytes == 1
    if any(mixer.index_heads for mixer in latent):
        return 64
    if latent:
        return _latent_block(target, eight_bit=eight_bit)
    widest = max((layer.mixer.head_dim for layer in anatomy.layers
                  if isinstance(layer.mixer, Attention)), default=0)  # fmt: skip
    # Hopper's FlashAttention reads an 8-bit cache of heads of 512 in tiles of 64 tokens.
    tiled = eight_bit and widest == 512 and target.capability[0] == 9 and target.vllm >= (0, 30)
    return 64 if tiled else BLOCK_TOKENS


def _latent_block(target: Target, *, eight_bit: bool) -> int:
    major = target.capability[0]
    if major == 10:
        return 32
    if major == 9 and (eight_bit or target.vllm < (0, 12)):
        return 64
    return BLOCK_TOKENS


def _attention_spec(
    attention: Attention, parallel: Parallel, options: CacheOptions, block: int
) -> Spec:
    heads = parallel.kv_heads(attention.kv_heads)
    token = heads * (attention.head_dim + attention.v_head_dim) * options.element_bytes
    signature = (heads, attention.head_dim, attention.v_head_dim)
    if attention.window is not None:
        return Spec(
            kind="sliding",
            block_tokens=block,
            page_bytes=block * token,
            bound=attention.window,
            signature=signature,
        )
    if attention.chunk is not None:
        return Spec(
            kind="chunked",
            block_tokens=block,
            page_bytes=block * token,
            bound=attention.chunk,
            signature=signature,
        )
    return Spec(kind="full", block_tokens=block, page_bytes=block * token, signature=signature)


def _latent_specs(latent: Latent, options: CacheOptions, block: int) -> list[Spec]:
    """Return MLA's cache, whole on every rank, and its indexer's: a byte a number, and a scale."""
    width = latent.kv_rank + latent.rope_dim
    token = width * options.element_bytes
    if latent.index_heads and options.element_bytes == 1:
        token = 656  # fp8_ds_mla: 512 B, four float32 scales, 64 rotated numbers in 16 bits
    specs = [Spec(kind="latent", block_tokens=block, page_bytes=block * token, signature=(width,))]
    if latent.index_heads:
        index = latent.index_dim + latent.index_dim // 128 * 4
        specs.append(
            Spec(kind="latent", block_tokens=block, page_bytes=block * index, signature=(index,))
        )
    return specs


def _state_spec(
    mixer: Recurrent, parallel: Parallel, options: CacheOptions, target: Target, padded: int
) -> Spec:
    page = state_bytes(mixer, parallel, options.speculative_tokens)
    rules = engine_rules(target.vllm)
    pages = 1 + options.speculative_tokens
    if rules.states_aligned and options.prefix_caching:
        exports = rules.checkpoints and checkpoint_alignment(mixer, target) is not None
        pages += 2 if exports else 1
    return Spec(
        kind="state",
        block_tokens=0,
        page_bytes=max(padded, page),
        pages=pages,
        signature=(page,),
    )


def state_bytes(mixer: Recurrent, parallel: Parallel, speculative_tokens: int = 0) -> int:
    """Return one request's recurrent state and convolution window on one rank.

    Source: vLLM 0.33.0's layers/mamba/mamba_utils.py.
    """
    window = mixer.kernel - 1 + (0 if mixer.kind == "mamba" else speculative_tokens)
    if mixer.kind == "delta":
        channels = (2 * mixer.groups * mixer.state + mixer.inner) // parallel.tensor
        state = mixer.heads // parallel.tensor * mixer.head_dim * mixer.state
    elif mixer.kind == "mamba2":
        groups = groups_per_model(mixer, parallel)
        channels = (mixer.inner + 2 * groups * mixer.state) // parallel.tensor
        state = mixer.heads // parallel.tensor * mixer.head_dim * mixer.state
    else:
        channels = mixer.inner // parallel.tensor
        state = channels * mixer.state
    return channels * window * 2 + state * mixer.state_bytes


def checkpoint_alignment(mixer: Recurrent, target: Target) -> int | None:
    """Return the tokens at which a prefill can export a state, or `None` where it cannot.

    Mamba 2's kernels export anywhere; DeltaNet's do on GPUs that run FlashInfer's, every 64 tokens.
    """
    if mixer.kind == "mamba2":
        return 1
    return 64 if mixer.kind == "delta" and target.capability[0] >= 9 else None


def hybrid_block(
    anatomy: Anatomy, parallel: Parallel, options: CacheOptions, target: Target, block: int
) -> tuple[int, int]:
    """Return a hybrid's block: so many tokens that attention's page covers a state, and that page.

    Source: vLLM 0.33.0's platforms/interface.py, `_align_hybrid_block_size`.
    """
    attentions = [layer.mixer for layer in anatomy.layers if isinstance(layer.mixer, Attention)]
    recurrent = [layer.mixer for layer in anatomy.layers if isinstance(layer.mixer, Recurrent)]
    if not attentions or not recurrent:
        return block, 0
    one = replace(options, block_tokens=1)
    token = _attention_spec(replace(attentions[0], window=None), parallel, one, 1).page_bytes
    rules, alignment = engine_rules(target.vllm), block
    if rules.states_aligned and rules.checkpoints and options.prefix_caching:
        found = [checkpoint_alignment(mixer, target) for mixer in recurrent]
        alignment = lcm(block, *(each or 1 for each in found)) if all(found) else block
    page = max(state_bytes(mixer, parallel, options.speculative_tokens) for mixer in recurrent)
    tokens = alignment * -(-page // (alignment * token))
    tokens = max(tokens, block)
    return tokens, tokens * token
