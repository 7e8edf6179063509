"""Models with recurrent layers beside attention: Qwen3-Next and 3.5, Granite 4, Jamba, Nemotron-H.

Source: vLLM 0.33.0's models qwen3_next.py, qwen3_5.py, granitemoehybrid.py, jamba.py, nemotron_h.py
and layers/mamba.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cdk_vllm.errors import InputError
from cdk_vllm.sizing.anatomy import Anatomy, Attention, Dense, Layer, Mixture, Recurrent
from cdk_vllm.sizing.families import decoder, parts

if TYPE_CHECKING:
    from cdk_vllm.sizing.config_values import Config

FULL, LINEAR = "full_attention", "linear_attention"
STATE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


def _state_bytes(text: Config, name: str, default: str = "bfloat16") -> int:
    return STATE_BYTES.get(str(text.get(name) or default), 2)


def qwen3_next(root: Config, text: Config) -> Anatomy:
    """Qwen3-Next and Qwen3.5: three layers of gated DeltaNet to one of gated attention."""
    count, hidden = text.layers(), text.integer("hidden_size")
    every = text.integer("full_attention_interval", default=4)
    pattern = (*(LINEAR,) * (every - 1), FULL)
    interleaved = "Next" in str((root.get("architectures") or [""])[0])
    attention = parts.attention(
        text,
        gated=text.flag("attn_output_gate", default=True),
        qk_norm="head",
        qkv_bias=text.flag("qkv_bias"),
    )
    delta = _delta(text, interleaved=interleaved)
    trait = decoder.Trait(experts="qwen" if text.get("num_experts") else "none")
    layers = [
        Layer(
            mixer=attention if kind == FULL else delta,
            mlps=(decoder._mlp(text, trait, index),),
            norms=(hidden, hidden),
        )
        for index, kind in enumerate(parts.layer_types(text, count, pattern))
    ]
    return parts.assemble(root, text, layers, ropes=[parts.rope(text, attention.head_dim)])


def _delta(text: Config, *, interleaved: bool) -> Recurrent:
    head_dim = text.integer("linear_value_head_dim")
    heads = text.integer("linear_num_value_heads")
    return Recurrent(
        kind="delta",
        inner=heads * head_dim,
        heads=heads,
        head_dim=head_dim,
        groups=text.integer("linear_num_key_heads"),
        state=text.integer("linear_key_head_dim"),
        kernel=text.integer("linear_conv_kernel_dim", default=4),
        conv_bias=False,
        # Only Qwen3.5 reads its own key; Qwen3-Next keeps the model's dtype.
        state_bytes=2 if interleaved else _state_bytes(text, "mamba_ssm_dtype"),
        interleaved=interleaved,
        name="linear_attn",
    )


def granite_hybrid(root: Config, text: Config) -> Anatomy:
    """Granite 4: Mamba 2 with attention in between, and experts beside a shared MLP."""
    count, hidden = text.layers(), text.integer("hidden_size")
    kinds = text.items("layer_types", count) or text.items("layers_block_type", count)
    if kinds is None:
        raise InputError("config.json lacks layer_types, which say where attention stands.")
    mamba = _mamba2(
        inner=text.integer("mamba_expand", default=2) * hidden,
        heads=text.integer("mamba_n_heads", default=128),
        head_dim=_own(text, "mamba_d_head"),
        groups=text.integer("mamba_n_groups", default=1),
        state=text.integer("mamba_d_state", default=256),
        kernel=text.integer("mamba_d_conv", default=4),
        conv_bias=text.flag("mamba_conv_bias", default=True),
        bias=text.flag("mamba_proj_bias"),
        name="mamba",
    )
    biased = text.flag("attention_bias")
    attention = parts.attention(text, qkv_bias=biased, out_bias=biased)
    layers = [
        Layer(
            mixer=mamba if kind in ("mamba", LINEAR) else attention,
            mlps=_granite_mlps(text),
            norms=(hidden, hidden),
        )
        for kind in kinds
    ]
    rotates = text.get("position_embedding_type") == "rope"
    ropes = [parts.rope(text, attention.head_dim)] if rotates else []
    return parts.assemble(root, text, layers, ropes=ropes, tied=False)


def _granite_mlps(text: Config) -> tuple[Dense | Mixture, ...]:
    mlps: tuple[Dense | Mixture, ...] = ()
    if text.integer("num_local_experts", default=0, least=0):
        mlps += (decoder.granite_experts(text),)
    if shared := text.integer("shared_intermediate_size", default=0, least=0):
        mlps += (Dense(inner=shared, name="shared_mlp"),)
    return mlps


def _own(text: Config, name: str) -> int | None:
    """Return a number that a config may leave to be worked out, as "auto"."""
    return None if text.get(name) == "auto" else text.optional(name)


def _mamba2(*, inner: int, heads: int, head_dim: int | None, **sizes: object) -> Recurrent:
    width = head_dim or inner // heads
    return Recurrent(
        kind="mamba2",
        inner=inner,
        heads=heads,
        head_dim=width,
        **sizes,  # type: ignore[arg-type]
    )


def jamba(root: Config, text: Config) -> Anatomy:
    """Jamba: Mamba 1 with attention every eighth layer and experts every other."""
    count, hidden = text.layers(), text.integer("hidden_size")
    period = text.integer("attn_layer_period", default=8)
    offset = text.integer("attn_layer_offset", default=4, least=0)
    expert_period = text.integer("expert_layer_period", default=2)
    expert_offset = text.integer("expert_layer_offset", default=1, least=0)
    attention = parts.attention(text)
    mamba = _mamba1(text, hidden)
    inner = text.integer("intermediate_size")
    experts = Mixture(
        experts=text.integer("num_experts", default=16),
        top_k=text.integer("num_experts_per_tok", default=2),
        inner=inner,
        name="feed_forward",
        router_name="router",
    )
    dense = Dense(inner=inner, name="feed_forward")

    def sparse(index: int) -> bool:
        return experts.experts > 1 and index % expert_period == expert_offset

    layers = [
        Layer(
            mixer=attention if index % period == offset else mamba,
            mlps=(experts if sparse(index) else dense,),
            norms=(hidden, hidden),
        )
        for index in range(count)
    ]
    return parts.assemble(root, text, layers)


def _mamba1(text: Config, hidden: int) -> Recurrent:
    inner = text.integer("mamba_expand", default=2) * hidden
    rank = _own(text, "mamba_dt_rank")
    return Recurrent(
        kind="mamba",
        inner=inner,
        heads=1,
        head_dim=inner,
        groups=1,
        state=text.integer("mamba_d_state", default=16),
        kernel=text.integer("mamba_d_conv", default=4),
        rank=rank or -(-hidden // 16),
        conv_bias=text.flag("mamba_conv_bias", default=True),
        bias=text.flag("mamba_proj_bias"),
        plain=True,
        name="mamba",
    )


def nemotron_h(root: Config, text: Config) -> Anatomy:
    """Nemotron-H: one mixer or MLP a layer, in the order of `hybrid_override_pattern`."""
    hidden = text.integer("hidden_size")
    pattern = _nemotron_pattern(text)
    attention = parts.attention(text)
    mamba = _mamba2(
        inner=text.integer("mamba_num_heads") * text.integer("mamba_head_dim"),
        heads=text.integer("mamba_num_heads"),
        head_dim=text.integer("mamba_head_dim"),
        groups=text.integer("n_groups", default=8),
        state=text.integer("ssm_state_size", default=128),
        kernel=text.integer("conv_kernel", default=4),
        conv_bias=text.flag("use_conv_bias", default=True),
        bias=text.flag("use_bias"),
        state_bytes=_state_bytes(text, "mamba_ssm_cache_dtype", "float32"),
    )
    layers = [_nemotron_layer(text, kind, attention, mamba, hidden) for kind in pattern]
    return parts.assemble(root, text, layers)


def _nemotron_pattern(text: Config) -> list[str]:
    pattern = text.items("hybrid_override_pattern")
    names = {"mamba": "M", "attention": "*", "mlp": "-", "moe": "E"}
    if pattern is None:
        kinds = text.items("layers_block_type")
        if kinds is None:
            raise InputError("config.json lacks hybrid_override_pattern, which orders its layers.")
        pattern = [names.get(str(kind), str(kind)) for kind in kinds]
    if unknown := sorted(set(pattern) - set(names.values())):
        raise InputError(
            f"config.json's hybrid_override_pattern holds {unknown[0]!r}; allowed: M, *, - and E."
        )
    return pattern


def _nemotron_layer(
    text: Config, kind: str, attention: Attention, mamba: Recurrent, hidden: int
) -> Layer:
    if kind in "M*":
        mixer = mamba if kind == "M" else replace(attention, name="mixer")
        return Layer(mixer=mixer, mlps=(), norms=(hidden,))
    if kind == "-":
        inner = text.integer("intermediate_size")
        dense = Dense(inner=inner, gates=1, bias=text.flag("mlp_bias"), name="mixer")
        return Layer(mixer=None, mlps=(dense,), norms=(hidden,))
    shared = text.integer("moe_shared_expert_intermediate_size", default=0, least=0)
    experts = Mixture(
        experts=text.integer("n_routed_experts"),
        top_k=text.integer("num_experts_per_tok"),
        inner=text.integer("moe_intermediate_size"),
        gates=1,
        shared=shared * text.integer("n_shared_experts", default=0, least=0),
        latent=text.integer("moe_latent_size", default=0, least=0),
        correction=True,
        name="mixer",
    )
    return Layer(mixer=None, mlps=(experts,), norms=(hidden,))
