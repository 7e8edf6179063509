"""Each family's anatomy, by what a person knows of the model."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from cdk_vllm import catalog
from cdk_vllm.errors import InputError
from cdk_vllm.sizing import model_shape, shape_from_config, weights
from cdk_vllm.sizing.anatomy import Attention, Dense, Latent, Mixture, Recurrent
from cdk_vllm.sizing.blueprint import anatomy_of
from cdk_vllm.sizing.families import FAMILIES, anatomy_of_config, parts


def mixers(model: str) -> Counter[str]:
    """Count a model's mixers: the class, with what bounds or gates it."""
    found: Counter[str] = Counter()
    for layer in anatomy_of(model_shape(model)).layers:
        mixer = layer.mixer
        name = type(mixer).__name__
        if isinstance(mixer, Attention):
            name += f" window {mixer.window}" if mixer.window else ""
            name += f" chunk {mixer.chunk}" if mixer.chunk else ""
        found[name] += 1
    return found


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("meta-llama/Llama-3.1-8B", {"Attention": 32}),
        ("mistralai/Mistral-7B-v0.1", {"Attention window 4096": 32}),
        ("microsoft/Phi-3-mini-4k-instruct", {"Attention window 2047": 32}),
        ("google/gemma-2-9b-it", {"Attention": 21, "Attention window 4096": 21}),
        ("google/gemma-3-27b-it", {"Attention": 10, "Attention window 1024": 52}),
        ("google/gemma-4-26B-A4B", {"Attention": 5, "Attention window 1024": 25}),
        ("openai/gpt-oss-20b", {"Attention": 12, "Attention window 128": 12}),
        (
            "meta-llama/Llama-4-Scout-17B-16E-Instruct",
            {"Attention": 12, "Attention chunk 8192": 36},
        ),
        ("XiaomiMiMo/MiMo-V2-Flash", {"Attention": 9, "Attention window 128": 39}),
        ("deepseek-ai/DeepSeek-R1", {"Latent": 61}),
        ("moonshotai/Kimi-K2-Instruct", {"Latent": 61}),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", {"Attention": 12, "Recurrent": 36}),
        ("Qwen/Qwen3.5-27B", {"Attention": 16, "Recurrent": 48}),
    ],
)
def test_mixers(model: str, expected: dict[str, int]) -> None:
    assert mixers(model) == expected


def test_nemotron_has_one_thing_a_layer() -> None:
    layers = anatomy_of(model_shape("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16")).layers
    assert all((layer.mixer is None) != (not layer.mlps) for layer in layers)
    kinds = Counter(type(layer.mixer).__name__ for layer in layers)
    assert kinds == {"Recurrent": 23, "Attention": 6, "NoneType": 23}


def test_deepseek_is_dense_first_and_then_shares_an_expert() -> None:
    layers = anatomy_of(model_shape("deepseek-ai/DeepSeek-R1")).layers
    assert [type(layer.mlps[0]) for layer in layers[:4]] == [Dense, Dense, Dense, Mixture]
    experts = layers[3].mlps[0]
    assert isinstance(experts, Mixture)
    assert (experts.experts, experts.top_k, experts.shared) == (256, 8, 2048)


def test_sparse_attention_keeps_an_index_where_it_is_not_shared() -> None:
    every = [layer.mixer for layer in anatomy_of(model_shape("deepseek-ai/DeepSeek-V3.2")).layers]
    some = [layer.mixer for layer in anatomy_of(model_shape("zai-org/GLM-5.2")).layers]
    assert all(isinstance(mixer, Latent) and mixer.index_heads == 64 for mixer in every)
    assert sum(isinstance(mixer, Latent) and mixer.index_heads > 0 for mixer in some) == 21


HYBRID: dict[str, Any] = {
    "torch_dtype": "bfloat16",
    "hidden_size": 4096,
    "intermediate_size": 768,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "num_hidden_layers": 4,
    "vocab_size": 100352,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": True,
}


def test_granite_4_names_its_layers() -> None:
    config = HYBRID | {
        "architectures": ["GraniteMoeHybridForCausalLM"],
        "layer_types": ["mamba", "mamba", "attention", "mamba"],
        "num_local_experts": 72,
        "num_experts_per_tok": 10,
        "shared_intermediate_size": 1536,
        "mamba_n_heads": 128,
        "mamba_d_head": 64,
        "mamba_d_state": 128,
    }
    layers = anatomy_of_config(config).layers
    assert [isinstance(layer.mixer, Recurrent) for layer in layers] == [True, True, False, True]
    assert [type(mlp) for mlp in layers[0].mlps] == [Mixture, Dense]
    with pytest.raises(InputError, match="layer_types"):
        anatomy_of_config({key: item for key, item in config.items() if key != "layer_types"})


def test_jamba_alternates() -> None:
    config = HYBRID | {
        "architectures": ["JambaForCausalLM"],
        "num_hidden_layers": 8,
        "attn_layer_period": 8,
        "attn_layer_offset": 4,
        "num_experts": 16,
        "num_experts_per_tok": 2,
    }
    layers = anatomy_of_config(config).layers
    assert [index for index, layer in enumerate(layers) if isinstance(layer.mixer, Attention)] == [
        4
    ]
    assert [isinstance(layer.mlps[0], Mixture) for layer in layers] == [False, True] * 4


def test_an_encoder_adds_its_blocks() -> None:
    for model in ("Qwen/Qwen2.5-VL-7B-Instruct", "Qwen/Qwen3-VL-8B-Instruct"):
        blocks = anatomy_of(model_shape(model)).towers
        parameters = sum(block.rows * block.columns for block in blocks if not block.buffer)
        assert 0.5e9 < parameters < 0.8e9


GEMMA_4_VISION = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_attention_heads": 12,
    "head_dim": 64,
    "num_hidden_layers": 16,
    "patch_size": 16,
    "use_clipped_linears": True,
}


def gemma_4(**audio: Any) -> dict[str, Any]:
    """Return the config of a Gemma 4 of 42 layers with per-layer embeddings, and audio."""
    text = {
        "hidden_size": 2560,
        "hidden_size_per_layer_input": 256,
        "intermediate_size": 10240,
        "num_attention_heads": 8,
        "num_key_value_heads": 2,
        "head_dim": 256,
        "global_head_dim": 512,
        "num_hidden_layers": 42,
        "num_kv_shared_layers": 18,
        "sliding_window": 512,
        "max_position_embeddings": 131072,
        "vocab_size": 262144,
        "tie_word_embeddings": True,
        "dtype": "bfloat16",
    }
    return {
        "architectures": ["Gemma4ForConditionalGeneration"],
        "text_config": text,
        "vision_config": GEMMA_4_VISION,
        "audio_config": audio,
        "tie_word_embeddings": True,
    }


@pytest.mark.parametrize(("tensor", "said"), [(1, 15_882_201_664), (2, 8_474_798_656)])
def test_audio_adds_its_blocks(tensor: int, said: int) -> None:
    """vLLM 0.33's own count of the same config; it holds each layer's scalar as a buffer."""
    shape = shape_from_config(gemma_4(hidden_size=1024, output_proj_dims=1536))
    assert weights.parameter_bytes_per_rank(shape, tensor) - said == 42 * 2


def test_wrong_audio_channels_are_refused() -> None:
    with pytest.raises(InputError, match="subsampling_conv_channels must be two whole numbers"):
        anatomy_of_config(gemma_4(subsampling_conv_channels=[128, "32"]))


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("openai/gpt-oss-20b", 131072),  # 4,096 positions stretched 32 times
        ("deepseek-ai/DeepSeek-R1", 163840),
        ("meta-llama/Llama-3.1-8B", 131072),
    ],
)
def test_the_longest_context_is_the_stretched_one(model: str, tokens: int) -> None:
    assert parts.longest_context(model_shape(model)) == tokens


def test_yarn_stretches_a_short_model() -> None:
    config = HYBRID | {
        "architectures": ["Qwen2ForCausalLM"],
        "max_position_embeddings": 32768,
        "rope_scaling": {
            "rope_type": "yarn",
            "factor": 4.0,
            "original_max_position_embeddings": 32768,
        },
    }
    assert parts.longest_context(shape_from_config(config)) == 131072


def test_every_config_of_the_catalogue_is_read_by_a_known_family() -> None:
    for name in catalog.model_configs():
        shape = model_shape(name)
        assert shape.architecture in FAMILIES
        assert anatomy_of(shape).layers
