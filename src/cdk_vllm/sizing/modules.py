"""The weights one rank holds, module by module, before quantization decides their bytes.

Source: vLLM 0.33.0's layers/linear.py (column and row parallel, KV heads replicated), its
fused_moe (two tensors hold all experts of a layer) and layers/mamba. Names are vLLM's, with the
parts a fused module has in the checkpoint, because exclude lists name those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_vllm.sizing.anatomy import Attention, Dense, Latent, Mixture, Recurrent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.sizing.anatomy import Layer

QKV = ("q_proj", "k_proj", "v_proj")
GATE_UP = ("gate_proj", "up_proj")


@dataclass(frozen=True, kw_only=True)
class Parallel:
    """How a model is split: over tensor ranks, pipeline stages, and whether experts stay whole."""

    tensor: int = 1
    pipeline: int = 1
    experts: bool = False

    def share(self, whole: int) -> int:
        """Return one tensor rank's part of a dimension, rounded up."""
        return -(-whole // self.tensor)

    def kv_heads(self, heads: int) -> int:
        """Return the KV heads on one rank: shared out, but never less than one."""
        return max(1, heads // self.tensor)


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """One linear module on one rank: `rows` of each fused part, by `columns`.

    `plain` modules are never quantized. `absorbed` is the bytes of a 16-bit copy that MLA keeps of
    a quantized weight.
    """

    name: str
    rows: tuple[int, ...]
    columns: int
    parts: tuple[str, ...] = ()
    bias: int = 0
    plain: bool = False
    element_bytes: int = 2
    absorbed: int = 0


@dataclass(frozen=True, kw_only=True)
class Experts:
    """The fused routed experts of one layer on one rank; `gates` is 2 with a gate beside up."""

    name: str
    count: int
    inner: int
    hidden: int
    gates: int = 2
    bias: bool = False


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """A tensor that is never quantized: a norm, a table, a state's parameters."""

    elements: int
    element_bytes: int = 2


Module = Matrix | Experts | Tensor


def layer_modules(layer: Layer, index: int, hidden: int, parallel: Parallel) -> Iterator[Module]:
    """Yield the modules of one layer on one rank."""
    prefix = f"model.layers.{index}"
    if layer.mixer is not None:
        yield from _mixer(layer.mixer, prefix, hidden, parallel)
    for mlp in layer.mlps:
        name = f"{prefix}.{mlp.name}".rstrip(".")
        if isinstance(mlp, Dense):
            yield from dense_modules(mlp, name, hidden, parallel)
        else:
            yield from mixture_modules(mlp, name, hidden, parallel)
    for width in layer.norms:
        yield Tensor(elements=width)
    for _ in range(1 if layer.scalars else 0):
        yield Tensor(elements=layer.scalars)
    if layer.per_layer_input:
        gate, up = f"{prefix}.per_layer_input_gate", f"{prefix}.per_layer_projection"
        yield Matrix(name=gate, rows=(layer.per_layer_input,), columns=hidden)
        yield Matrix(name=up, rows=(hidden,), columns=layer.per_layer_input)


def _mixer(
    mixer: Attention | Latent | Recurrent, prefix: str, hidden: int, parallel: Parallel
) -> Iterator[Module]:
    if isinstance(mixer, Attention):
        return attention_modules(mixer, f"{prefix}.{mixer.name}", hidden, parallel)
    if isinstance(mixer, Latent):
        return latent_modules(mixer, f"{prefix}.self_attn", hidden, parallel)
    return recurrent_modules(mixer, f"{prefix}.{mixer.name}", hidden, parallel)


def attention_modules(
    attention: Attention, name: str, hidden: int, parallel: Parallel
) -> Iterator[Module]:
    """Yield the projections, norms and sinks of grouped attention."""
    heads = parallel.share(attention.heads)
    kv_heads = parallel.kv_heads(attention.kv_heads)
    query = heads * attention.head_dim * (2 if attention.gated else 1)
    key, value = kv_heads * attention.head_dim, kv_heads * attention.v_head_dim
    if attention.shares_cache:
        rows: tuple[int, ...] = (query,)
        yield Matrix(name=f"{name}.q_proj", rows=rows, columns=hidden)
    else:
        rows = (query, key, value)
        bias = sum(rows) if attention.qkv_bias else 0
        yield Matrix(name=f"{name}.qkv_proj", rows=rows, columns=hidden, parts=QKV, bias=bias)
    yield Matrix(
        name=f"{name}.o_proj",
        rows=(hidden,),
        columns=heads * attention.v_head_dim,
        bias=hidden if attention.out_bias else 0,
    )
    yield from _attention_vectors(attention, heads, query, key)


def _attention_vectors(attention: Attention, heads: int, query: int, key: int) -> Iterator[Tensor]:
    if attention.qk_norm == "head":
        yield Tensor(elements=attention.head_dim)
        if not attention.shares_cache:
            yield Tensor(elements=attention.head_dim)
    elif attention.qk_norm in ("full", "ranked"):
        yield Tensor(elements=query)
        yield Tensor(elements=key)
    if attention.sinks:
        yield Tensor(elements=heads)


def latent_modules(latent: Latent, name: str, hidden: int, parallel: Parallel) -> Iterator[Module]:
    """Yield MLA's modules: the way down is on every rank, the way up shared out by heads."""
    heads = parallel.share(latent.heads)
    compressed = latent.kv_rank + latent.rope_dim
    query = heads * (latent.nope_dim + latent.rope_dim)
    if latent.q_rank:
        yield Matrix(
            name=f"{name}.fused_qkv_a_proj",
            rows=(latent.q_rank, compressed),
            columns=hidden,
            parts=("q_a_proj", "kv_a_proj_with_mqa"),
        )
        yield Matrix(name=f"{name}.q_b_proj", rows=(query,), columns=latent.q_rank)
        yield Tensor(elements=latent.q_rank)
    else:
        yield Matrix(name=f"{name}.kv_a_proj_with_mqa", rows=(compressed,), columns=hidden)
        yield Matrix(name=f"{name}.q_proj", rows=(query,), columns=hidden)
    yield Tensor(elements=latent.kv_rank)
    up = heads * (latent.nope_dim + latent.v_dim)
    yield Matrix(
        name=f"{name}.kv_b_proj",
        rows=(up,),
        columns=latent.kv_rank,
        absorbed=up * latent.kv_rank * 2,
    )
    yield Matrix(name=f"{name}.o_proj", rows=(hidden,), columns=heads * latent.v_dim)
    if latent.index_heads:
        yield from _indexer_modules(latent, f"{name}.indexer", hidden)


def _indexer_modules(latent: Latent, name: str, hidden: int) -> Iterator[Module]:
    width = latent.index_heads * latent.index_dim
    yield Matrix(name=f"{name}.wq_b", rows=(width,), columns=latent.q_rank)
    yield Matrix(
        name=f"{name}.wk_weights_proj",
        rows=(latent.index_dim, latent.index_heads),
        columns=hidden,
        plain=True,
    )
    yield Tensor(elements=latent.index_dim, element_bytes=4)
    yield Tensor(elements=latent.index_dim, element_bytes=4)


def recurrent_modules(
    mixer: Recurrent, name: str, hidden: int, parallel: Parallel
) -> Iterator[Module]:
    """Yield a recurrent layer's modules."""
    if mixer.kind == "delta":
        return _delta_modules(mixer, name, hidden, parallel)
    if mixer.kind == "mamba2":
        return _mamba2_modules(mixer, name, hidden, parallel)
    return _mamba_modules(mixer, name, hidden, parallel)


def _delta_modules(
    mixer: Recurrent, name: str, hidden: int, parallel: Parallel
) -> Iterator[Module]:
    keys, heads = mixer.groups * mixer.state, parallel.share(mixer.heads)
    key, value = parallel.share(keys), parallel.share(mixer.inner)
    yield Tensor(elements=(2 * key + value) * mixer.kernel)
    yield Matrix(
        name=f"{name}.in_proj_qkvz",
        rows=(key, key, value, value),
        columns=hidden,
        parts=() if mixer.interleaved else ("in_proj_qkv", "in_proj_z"),
    )
    yield Matrix(
        name=f"{name}.in_proj_ba",
        rows=(heads, heads),
        columns=hidden,
        parts=() if mixer.interleaved else ("in_proj_b", "in_proj_a"),
    )
    yield Tensor(elements=heads)
    yield Tensor(elements=heads, element_bytes=4)
    yield Tensor(elements=mixer.head_dim)
    yield Matrix(name=f"{name}.out_proj", rows=(hidden,), columns=value)


def _mamba2_modules(
    mixer: Recurrent, name: str, hidden: int, parallel: Parallel
) -> Iterator[Module]:
    groups = groups_per_model(mixer, parallel)
    state = parallel.share(groups * mixer.state)
    inner, heads = parallel.share(mixer.inner), parallel.share(mixer.heads)
    channels = inner + 2 * state
    yield Tensor(elements=channels * mixer.kernel)
    if mixer.conv_bias:
        yield Tensor(elements=channels)
    rows = (inner, inner, state, state, heads)
    bias = sum(rows) if mixer.bias else 0
    yield Matrix(name=f"{name}.in_proj", rows=rows, columns=hidden, bias=bias)
    yield Tensor(elements=heads, element_bytes=4)
    yield Tensor(elements=heads)
    yield Tensor(elements=heads)
    bias = hidden if mixer.bias else 0
    yield Matrix(name=f"{name}.out_proj", rows=(hidden,), columns=inner, bias=bias)
    yield Tensor(elements=inner)


def groups_per_model(mixer: Recurrent, parallel: Parallel) -> int:
    """Return Mamba 2's groups, of which every rank needs at least one of its own."""
    spare = 0 if mixer.groups % parallel.tensor == 0 else parallel.tensor - mixer.groups
    return mixer.groups + spare


def _mamba_modules(
    mixer: Recurrent, name: str, hidden: int, parallel: Parallel
) -> Iterator[Module]:
    inner = parallel.share(mixer.inner)
    steps = mixer.rank + 2 * mixer.state
    yield Tensor(elements=inner * mixer.kernel)
    if mixer.conv_bias:
        yield Tensor(elements=inner)
    bias = 2 * inner if mixer.bias else 0
    yield Matrix(name=f"{name}.in_proj", rows=(inner, inner), columns=hidden, bias=bias, plain=True)
    yield Matrix(name=f"{name}.x_proj", rows=(steps,), columns=inner, plain=True)
    yield Matrix(name=f"{name}.dt_proj", rows=(inner,), columns=mixer.rank, bias=inner, plain=True)
    yield Tensor(elements=inner * mixer.state, element_bytes=4)
    yield Tensor(elements=inner)
    bias = hidden if mixer.bias else 0
    yield Matrix(name=f"{name}.out_proj", rows=(hidden,), columns=inner, bias=bias, plain=True)
    for width in (mixer.rank, mixer.state, mixer.state):
        yield Tensor(elements=width)


def dense_modules(dense: Dense, name: str, hidden: int, parallel: Parallel) -> Iterator[Module]:
    """Yield an MLP's two modules."""
    inner = parallel.share(dense.inner)
    up = "gate_up_proj" if dense.gates == 2 else "up_proj"
    yield Matrix(
        name=f"{name}.{up}",
        rows=(inner,) * dense.gates,
        columns=hidden,
        parts=GATE_UP if dense.gates == 2 else (),
        bias=inner * dense.gates if dense.bias else 0,
    )
    bias = hidden if dense.bias else 0
    yield Matrix(name=f"{name}.down_proj", rows=(hidden,), columns=inner, bias=bias)


def mixture_modules(
    mixture: Mixture, name: str, hidden: int, parallel: Parallel
) -> Iterator[Module]:
    """Yield the router, the fused experts, and what stands beside them."""
    yield Matrix(
        name=f"{name}.{mixture.router_name}",
        rows=(mixture.experts,),
        columns=hidden,
        bias=mixture.experts if mixture.router_bias else 0,
        plain=True,
        element_bytes=mixture.router_bytes,
    )
    if mixture.correction:
        yield Tensor(elements=mixture.experts, element_bytes=4)
    if mixture.shared:
        shared = Dense(inner=mixture.shared, gates=mixture.gates)
        yield from dense_modules(shared, f"{name}.{mixture.shared_name}", hidden, parallel)
    if mixture.shared_gate:
        yield Matrix(name=f"{name}.shared_expert_gate", rows=(1,), columns=hidden, plain=True)
    if mixture.latent:
        for part, rows, columns in (
            ("fc1_latent_proj", mixture.latent, hidden),
            ("fc2_latent_proj", hidden, mixture.latent),
        ):
            yield Matrix(name=f"{name}.{part}", rows=(rows,), columns=columns)
    yield routed_experts(mixture, name, hidden, parallel)


def routed_experts(mixture: Mixture, name: str, hidden: int, parallel: Parallel) -> Experts:
    """Return the routed experts of one rank: narrower under tensor, fewer under expert parallel."""
    whole = parallel.experts
    return Experts(
        name=f"{name}.{mixture.experts_name}",
        count=parallel.share(mixture.experts) if whole else mixture.experts,
        inner=mixture.inner if whole else parallel.share(mixture.inner),
        hidden=mixture.latent or hidden,
        gates=mixture.gates,
        bias=mixture.bias,
    )
