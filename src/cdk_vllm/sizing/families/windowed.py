"""Models whose layers differ in how far back they look: Gemma, gpt-oss, Llama 4, MiMo V2.

Source: vLLM 0.33.0's models gemma2.py, gemma3.py, gemma4.py, gpt_oss.py, llama4.py, mimo_v2.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cdk_vllm.sizing.anatomy import Anatomy, Attention, Block, Dense, Layer, Mixture, RopeTable
from cdk_vllm.sizing.families import parts

if TYPE_CHECKING:
    from cdk_vllm.sizing.config_values import Config

SLIDING = "sliding_attention"
FULL = "full_attention"


def gemma2(root: Config, text: Config) -> Anatomy:
    """Gemma 2: every other layer looks back `sliding_window` tokens; four norms a layer."""
    return _gemma(root, text, (SLIDING, FULL), qk_norm="none")


def gemma3(root: Config, text: Config) -> Anatomy:
    """Gemma 3: five sliding layers to a full one, and two tables of rotations."""
    pattern = text.integer("sliding_window_pattern", "_sliding_window_pattern", default=6)
    return _gemma(root, text, (*(SLIDING,) * (pattern - 1), FULL), qk_norm="head")


def _gemma(root: Config, text: Config, pattern: tuple[str, ...], qk_norm: Any) -> Anatomy:
    count, hidden = text.layers(), text.integer("hidden_size")
    window = text.integer("sliding_window", default=4096)
    head_dim = text.integer("head_dim", default=256)
    base = parts.attention(
        text, head_dim=head_dim, qk_norm=qk_norm, qkv_bias=text.flag("attention_bias")
    )
    inner = text.integer("intermediate_size")
    layers = [
        Layer(
            mixer=replace(base, window=window if kind == SLIDING else None),
            mlps=(Dense(inner=inner),),
            norms=(hidden,) * 4,
        )
        for kind in parts.layer_types(text, count, pattern)
    ]
    ropes = _gemma_ropes(text, head_dim, qk_norm)
    return parts.assemble(root, text, layers, ropes=ropes, tied=True)


def _gemma_ropes(text: Config, head_dim: int, qk_norm: str) -> list[RopeTable]:
    table = RopeTable(rows=text.integer("max_position_embeddings"), columns=head_dim)
    # Two tables of one size: local and global layers rotate by different bases.
    return [table] if qk_norm == "none" else [table, replace(table, label="second")]


def gemma4(root: Config, text: Config) -> Anatomy:
    """Gemma 4: full layers have wider heads, late layers read earlier caches, some have experts."""
    count, hidden = text.layers(), text.integer("hidden_size")
    per_layer = text.integer("hidden_size_per_layer_input", default=0, least=0)
    kinds = parts.layer_types(text, count, (*(SLIDING,) * 5, FULL))
    layers = [_gemma4_layer(text, kind, index, count) for index, kind in enumerate(kinds)]
    embeddings: tuple[Block, ...] = ()
    if per_layer:
        rows = text.integer("vocab_size_per_layer_input", default=text.integer("vocab_size"))
        padded = -(-rows // 64) * 64
        embeddings = (
            Block(rows=padded, columns=per_layer * count, split=True),
            Block(rows=per_layer * count, columns=hidden, split=True),
            Block(rows=per_layer),
        )
    return parts.assemble(
        root, text, layers, ropes=_gemma4_ropes(text), tied=True, embeddings=embeddings
    )


def _gemma4_layer(text: Config, kind: str, index: int, count: int) -> Layer:
    hidden = text.integer("hidden_size")
    shared_from = count - text.integer("num_kv_shared_layers", default=0, least=0)
    shares = index >= shared_from
    inner = text.integer("intermediate_size")
    if shares and shared_from > 0 and text.flag("use_double_wide_mlp"):
        inner *= 2
    mlps: tuple[Dense | Mixture, ...] = (Dense(inner=inner),)
    norms, scalars = 4, 1
    if text.get("num_experts"):
        mlps += (_gemma4_experts(text),)
        norms += 3
        scalars += hidden + text.integer("num_experts")
    per_layer = text.integer("hidden_size_per_layer_input", default=0, least=0)
    return Layer(
        mixer=_gemma4_attention(text, kind, shares=shares),
        mlps=mlps,
        norms=(hidden,) * (norms + (1 if per_layer else 0)),
        scalars=scalars,
        per_layer_input=per_layer,
    )


def _gemma4_attention(text: Config, kind: str, *, shares: bool) -> Attention:
    features: dict[str, Any] = {"qk_norm": "head", "shares_cache": shares}
    if kind == SLIDING:
        window = text.integer("sliding_window", default=1024)
        return parts.attention(
            text, window=window, head_dim=text.integer("head_dim", default=256), **features
        )
    kv_heads = None
    if text.flag("attention_k_eq_v"):
        kv_heads = text.optional("num_global_key_value_heads")
    return parts.attention(
        text,
        head_dim=text.integer("global_head_dim", "head_dim", default=512),
        kv_heads=kv_heads,
        **features,
    )


def _gemma4_experts(text: Config) -> Mixture:
    return Mixture(
        experts=text.integer("num_experts"),
        top_k=text.integer("top_k_experts"),
        inner=text.integer("moe_intermediate_size", "expert_intermediate_size"),
        name="",
        router_name="router.proj",
    )


def _gemma4_ropes(text: Config) -> list[RopeTable]:
    rows = text.integer("max_position_embeddings")
    local = RopeTable(rows=rows, columns=text.integer("head_dim", default=256))
    # The proportional table holds zeros beyond its share of the head, and so is as wide as it.
    wide = RopeTable(rows=rows, columns=text.integer("global_head_dim", "head_dim", default=512))
    return [local, wide]


def gpt_oss(root: Config, text: Config) -> Anatomy:
    """gpt-oss: every other layer slides over 128 tokens; sinks, biases, experts with biases."""
    count, hidden = text.layers(), text.integer("hidden_size")
    window = text.integer("sliding_window", default=128)
    base = parts.attention(text, qkv_bias=True, out_bias=True, sinks=True)
    experts = Mixture(
        experts=text.integer("num_local_experts", "num_experts"),
        top_k=text.integer("num_experts_per_tok", "experts_per_token", default=4),
        inner=text.integer("intermediate_size"),
        bias=True,
        router_bias=True,
        router_name="router",
    )
    layers = [
        Layer(
            mixer=replace(base, name="attn", window=None if index % 2 else window),
            mlps=(experts,),
            norms=(hidden, hidden),
        )
        for index in range(count)
    ]
    rope = parts.rope(text, base.head_dim, element_bytes=4)
    return parts.assemble(root, text, layers, ropes=[rope])


def llama4(root: Config, text: Config) -> Anatomy:
    """Llama 4: three chunked layers to a full one without rotations; experts every few layers."""
    count, hidden = text.layers(), text.integer("hidden_size")
    chunk = text.optional("attention_chunk_size")
    step = text.integer("interleave_moe_layer_step", default=1)
    no_rope = text.items("no_rope_layers") or [int((i + 1) % 4 != 0) for i in range(count)]
    sparse = text.items("moe_layers") or list(range(step - 1, count, step))
    base = parts.attention(text, qkv_bias=text.flag("attention_bias"))
    inner = text.integer("intermediate_size")
    experts = Mixture(
        experts=text.integer("num_local_experts"),
        top_k=text.integer("num_experts_per_tok"),
        inner=inner,
        shared=inner,
        name="feed_forward",
        router_name="router",
        shared_name="shared_expert",
    )
    dense = Dense(
        inner=text.integer("intermediate_size_mlp", "intermediate_size"), name="feed_forward"
    )
    layers = [
        Layer(
            mixer=replace(base, chunk=chunk if no_rope[index] else None),
            mlps=(experts if index in sparse else dense,),
            norms=(hidden, hidden),
        )
        for index in range(count)
    ]
    return parts.assemble(root, text, layers, ropes=[parts.rope(text, base.head_dim)])


def mimo_v2(root: Config, text: Config) -> Anatomy:
    """MiMo V2: sliding layers have heads of their own, and values narrower than keys."""
    count, hidden = text.layers(), text.integer("hidden_size")
    sliding = text.items("hybrid_layer_pattern", count) or [0] * count
    sparse = text.items("moe_layer_freq", count) or [1] * count
    experts = Mixture(
        experts=text.integer("n_routed_experts"),
        top_k=text.integer("num_experts_per_tok"),
        inner=text.integer("moe_intermediate_size"),
        router_bytes=4,
        correction=True,
    )
    dense = Dense(inner=text.integer("intermediate_size"))
    layers = [
        Layer(
            mixer=_mimo_attention(text, sliding=bool(sliding[index])),
            mlps=(experts if sparse[index] else dense,),
            norms=(hidden, hidden),
        )
        for index in range(count)
    ]
    head_dim = text.integer("head_dim")
    table = parts.rope(text, head_dim)
    return parts.assemble(root, text, layers, ropes=[table, replace(table, label="second")])


def _mimo_attention(text: Config, *, sliding: bool) -> Attention:
    bias = text.flag("attention_bias")
    if not sliding:
        sinks = text.flag("add_full_attention_sink_bias")
        v_dim = text.optional("v_head_dim")
        return parts.attention(text, v_head_dim=v_dim, qkv_bias=bias, sinks=sinks)
    return parts.attention(
        text,
        window=text.integer("sliding_window_size", "sliding_window"),
        heads=text.integer("swa_num_attention_heads", "num_attention_heads"),
        kv_heads=text.integer("swa_num_key_value_heads", "num_key_value_heads"),
        head_dim=text.integer("swa_head_dim", "head_dim"),
        v_head_dim=text.optional("swa_v_head_dim", "v_head_dim"),
        qkv_bias=bias,
        sinks=text.flag("add_swa_attention_sink_bias"),
    )
