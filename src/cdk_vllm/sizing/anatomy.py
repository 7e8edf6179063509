"""What a model is made of, layer by layer: the numbers that decide its memory, and no others.

A family (`families/`) reads a `config.json` into an `Anatomy`; weights, KV cache, activations and
what is legal are then counted from it, alike for all families. All sizes are whole, before any rank
takes its part. Names are those of vLLM's modules, because checkpoints exclude modules by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Softmax attention; `window` or `chunk` bounds what a token looks back on.

    `qk_norm`: per head, over all heads (`full`), over a rank's heads (`ranked`), or none.
    A layer that `shares_cache` reads an earlier layer's keys and values and has none of its own.
    """

    heads: int
    kv_heads: int
    head_dim: int
    v_head_dim: int
    window: int | None = None
    chunk: int | None = None
    qkv_bias: bool = False
    out_bias: bool = False
    qk_norm: Literal["none", "head", "full", "ranked", "layer"] = "none"
    gated: bool = False
    sinks: bool = False
    shares_cache: bool = False
    name: str = "self_attn"


@dataclass(frozen=True, kw_only=True)
class Latent:
    """Multi-head latent attention (MLA): the cache holds one latent vector a token, on every rank.

    `index_heads` and `index_dim` describe a sparse indexer with a cache of its own; 0 is none.
    """

    heads: int
    q_rank: int
    kv_rank: int
    nope_dim: int
    rope_dim: int
    v_dim: int
    index_heads: int = 0
    index_dim: int = 0


@dataclass(frozen=True, kw_only=True)
class Recurrent:
    """A layer with a state of fixed size in place of a cache: Mamba 1 and 2, or gated DeltaNet.

    Mamba: `inner` channels, `heads` of `head_dim`, `groups`, `state`, `rank` of the time step.
    DeltaNet: `groups` key heads of `state`, `heads` value heads of `head_dim`.
    `state_bytes` is one element of the recurrent state; the convolution's is the model's own.
    """

    kind: Literal["mamba", "mamba2", "delta"]
    inner: int
    heads: int
    head_dim: int
    groups: int
    state: int
    kernel: int
    rank: int = 0
    conv_bias: bool = True
    bias: bool = False
    state_bytes: int = 2
    interleaved: bool = False
    plain: bool = False
    name: str = "mixer"


@dataclass(frozen=True, kw_only=True)
class Dense:
    """An MLP; `gates` is 2 where a gate stands beside the up projection, 1 where none does."""

    inner: int
    gates: int = 2
    bias: bool = False
    name: str = "mlp"


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Routed experts of which `top_k` serve a token, and what every token goes through beside them.

    `shared` is the shared experts' width, `latent` the experts' own hidden size where it differs
    from the model's, `correction` a router bias in float32.
    """

    experts: int
    top_k: int
    inner: int
    gates: int = 2
    bias: bool = False
    shared: int = 0
    shared_gate: bool = False
    latent: int = 0
    router_bytes: int = 2
    router_bias: bool = False
    correction: bool = False
    name: str = "mlp"
    router_name: str = "gate"
    shared_name: str = "shared_experts"
    experts_name: str = "experts"


Mixer = Attention | Latent | Recurrent


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer: at most one mixer, any number of MLPs beside it, and its norms' widths.

    `per_layer_input` is the width of a per-layer embedding that is mixed in (Gemma).
    """

    mixer: Mixer | None
    mlps: tuple[Dense | Mixture, ...]
    norms: tuple[int, ...]
    scalars: int = 0
    per_layer_input: int = 0


@dataclass(frozen=True, kw_only=True)
class RopeTable:
    """One table of cosines and sines, which all layers with equal parameters share.

    `label` tells tables of one size and different bases apart. `stretched` tables had four times
    the rows before vLLM 0.32.
    """

    rows: int
    columns: int
    element_bytes: int = 2
    label: str = ""
    stretched: bool = False


@dataclass(frozen=True, kw_only=True)
class Block:
    """A weight outside the decoder layers; ranks share it out where it is `split`.

    A `buffer` is computed, not loaded: a table of rotations, say.
    """

    rows: int
    columns: int = 1
    element_bytes: int = 2
    split: bool = False
    buffer: bool = False


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """A whole model. `towers` are the blocks of its image or audio encoders and projectors."""

    architecture: str
    hidden: int
    vocab: int
    tied: bool
    positions: int
    layers: tuple[Layer, ...]
    ropes: tuple[RopeTable, ...] = ()
    towers: tuple[Block, ...] = ()
    embeddings: tuple[Block, ...] = ()
    final_norms: tuple[int, ...] = ()
    head_bias: bool = False
    encoder_tokens: int = 0
    encoder_hidden: int = 0
    element_bytes: int = 2
    draft_layers: int = 0
