"""Models with multi-head latent attention: DeepSeek V2, V3, R1 and V3.2, Kimi K2, GLM-5.

Source: vLLM 0.33.0's models deepseek_v2.py, kimi_k25.py and vllm/models/deepseek_v32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.sizing.anatomy import Anatomy, Dense, Latent, Layer, Mixture, RopeTable
from cdk_vllm.sizing.families import parts

if TYPE_CHECKING:
    from cdk_vllm.sizing.config_values import Config


def latent(root: Config, text: Config) -> Anatomy:
    """Return a model whose first layers are dense and the rest experts, all with MLA."""
    count, hidden = text.layers(), text.integer("hidden_size")
    layers = [
        Layer(
            mixer=_attention(text, index),
            mlps=(_mlp(text, index),),
            norms=(hidden, hidden),
        )
        for index in range(count)
    ]
    rope_dim = text.integer("qk_rope_head_dim")
    parameters = parts.rope_parameters(text)
    # The scaled table is computed in float32 and kept so; the plain one has the model's dtype.
    table = parts.rope(text, rope_dim, parameters)
    ropes = [table]
    if text.get("index_topk") and not text.flag("indexer_rope_interleave"):
        # The indexer rotates by halves, the attention by pairs: two tables of one size.
        ropes.append(RopeTable(rows=table.rows, columns=table.columns, label="second"))
    return parts.assemble(root, text, layers, ropes=ropes)


def _attention(text: Config, index: int) -> Latent:
    indexed = bool(text.get("index_topk")) and not _shares_index(text, index)
    return Latent(
        heads=text.integer("num_attention_heads"),
        q_rank=text.integer("q_lora_rank", default=0, least=0),
        kv_rank=text.integer("kv_lora_rank"),
        nope_dim=text.integer("qk_nope_head_dim"),
        rope_dim=text.integer("qk_rope_head_dim"),
        v_dim=text.integer("v_head_dim"),
        index_heads=text.integer("index_n_heads") if indexed else 0,
        index_dim=text.integer("index_head_dim") if indexed else 0,
    )


def _shares_index(text: Config, index: int) -> bool:
    """Say whether a layer uses an earlier layer's choice of tokens, and has no indexer."""
    pattern = text.items("index_topk_pattern")
    if pattern is not None:
        return index < len(pattern) and pattern[index] == "S"
    frequency = text.integer("index_topk_freq", default=1)
    offset = text.integer("index_skip_topk_offset", default=2, least=0)
    return max(index - offset + 1, 0) % frequency != 0


def _mlp(text: Config, index: int) -> Dense | Mixture:
    experts = text.get("n_routed_experts")
    dense_first = text.integer("first_k_dense_replace", default=0, least=0)
    every = text.integer("moe_layer_freq", default=1)
    if not experts or index < dense_first or index % every:
        return Dense(inner=text.integer("intermediate_size"))
    inner = text.integer("moe_intermediate_size")
    return Mixture(
        experts=text.integer("n_routed_experts"),
        top_k=text.integer("num_experts_per_tok"),
        inner=inner,
        shared=inner * text.integer("n_shared_experts", default=0, least=0),
        correction=text.get("topk_method") == "noaux_tc",
    )
