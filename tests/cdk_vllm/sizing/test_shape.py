"""config.json to a shape, or a sentence why not."""

from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm.errors import InputError
from cdk_vllm.sizing import model_shape, shape_from_config

CONFIG: dict[str, Any] = {
    "architectures": ["Qwen3ForCausalLM"],
    "attention_bias": False,
    "head_dim": 128,
    "hidden_size": 4096,
    "intermediate_size": 12288,
    "max_position_embeddings": 40960,
    "num_attention_heads": 32,
    "num_hidden_layers": 36,
    "num_key_value_heads": 8,
    "rope_scaling": None,
    "sliding_window": None,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "use_sliding_window": False,
    "vocab_size": 151936,
}
MIXTRAL: dict[str, Any] = CONFIG | {
    "architectures": ["MixtralForCausalLM"],
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
}
QWEN_MOE: dict[str, Any] = CONFIG | {
    "architectures": ["Qwen3MoeForCausalLM"],
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "moe_intermediate_size": 768,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
}


def test_a_config_gives_the_catalogues_shape() -> None:
    assert shape_from_config(CONFIG) == model_shape("Qwen/Qwen3-8B")


def test_defaults_are_transformers() -> None:
    config = {k: v for k, v in CONFIG.items() if k not in ("head_dim", "num_key_value_heads")}
    shape = shape_from_config(config)
    assert (shape.head_dim, shape.num_key_value_heads) == (128, 32)


def test_experts() -> None:
    mixtral, qwen = shape_from_config(MIXTRAL), shape_from_config(QWEN_MOE)
    assert (mixtral.num_experts, mixtral.moe_intermediate_size) == (8, 12288)
    assert (qwen.num_experts, qwen.num_experts_per_tok, qwen.moe_intermediate_size) == (128, 8, 768)


def test_qwen2_has_biases_whatever_its_config_says() -> None:
    assert shape_from_config(CONFIG | {"architectures": ["Qwen2ForCausalLM"]}).attention_bias


@pytest.mark.parametrize("rope", [{"rope_type": "llama3"}, {"type": "linear"}])
def test_rope_scaling_that_changes_no_size_is_fine(rope: dict[str, str]) -> None:
    assert shape_from_config(CONFIG | {"rope_scaling": rope}) == model_shape("Qwen/Qwen3-8B")


def test_a_window_that_is_switched_off_is_fine() -> None:
    config = CONFIG | {"sliding_window": 4096, "use_sliding_window": False}
    assert shape_from_config(config) == model_shape("Qwen/Qwen3-8B")


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        ("DeepseekV3ForCausalLM", "latent attention"),
        ("Gemma3ForConditionalGeneration", "sliding windows"),
        ("GptOssForCausalLM", "sliding windows"),
        ("Qwen3NextForCausalLM", "recurrent layers"),
        ("NemotronHForCausalLM", "recurrent layers"),
        ("Qwen2_5_VLForConditionalGeneration", "image or audio encoder"),
        ("LlamaForCasualLM", 'Did you mean "LlamaForCausalLM"?'),
        ("BertModel", "covered are LlamaForCausalLM"),
    ],
)
def test_an_architecture_is_refused_by_name(architecture: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        shape_from_config(CONFIG | {"architectures": [architecture]})
    assert architecture in str(error.value)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"quantization_config": {"quant_method": "fp8"}}, "quantized"),
        ({"sliding_window": 4096, "use_sliding_window": True}, "sliding window"),
        ({"vision_config": {"depth": 32}}, "image encoder"),
        ({"rope_scaling": {"rope_type": "longrope"}}, "longrope"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "yarn"),
        ({"mlp_bias": True}, "biases"),
        ({"mlp_only_layers": [0]}, "dense layers"),
        ({"decoder_sparse_step": 2}, "dense layers"),
        ({"shared_expert_intermediate_size": 512}, "shared experts"),
        ({"torch_dtype": "float32"}, "float32"),
        ({"torch_dtype": None}, "torch_dtype"),
        ({"hidden_size": None}, "hidden_size"),
        ({"vocab_size": "many"}, "vocab_size"),
        ({"architectures": []}, "architectures"),
    ],
)
def test_a_variant_is_refused_by_name(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        shape_from_config(CONFIG | change)


def test_mistral_with_a_window_is_refused() -> None:
    config = {k: v for k, v in CONFIG.items() if k != "use_sliding_window"}
    with pytest.raises(InputError, match="sliding window"):
        shape_from_config(
            config | {"architectures": ["MistralForCausalLM"], "sliding_window": 4096}
        )
