"""config.json to a shape, or a sentence why not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm.errors import InputError
from cdk_vllm.sizing import model_shape, shape_from_config
from cdk_vllm.sizing.plan import ModelShape, from_dict, to_dict
from cdk_vllm.sizing.shape import reduced
from cdk_vllm.sizing.weights import weights_bytes_per_rank

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


def test_a_config_gives_the_catalogues_shape() -> None:
    assert shape_from_config(CONFIG) == model_shape("Qwen/Qwen3-8B")


def test_a_config_that_plain_fields_describe_is_not_carried_along() -> None:
    assert shape_from_config(CONFIG).config == {}
    sliding = shape_from_config(MIXTRAL | {"sliding_window": 4096, "use_sliding_window": True})
    assert sliding.config["sliding_window"] == 4096


def test_a_text_config_and_an_encoder_are_read() -> None:
    shape = model_shape("google/gemma-3-27b-it")
    assert (shape.num_hidden_layers, shape.hidden_size) == (62, 5376)
    assert shape.tie_word_embeddings
    assert "vision_config" in shape.config


def test_a_quantized_checkpoint_says_so() -> None:
    table = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    shape = shape_from_config(CONFIG | {"quantization_config": table})
    assert shape.quantization == "fp8"
    half = weights_bytes_per_rank(shape, 1) / weights_bytes_per_rank(shape_from_config(CONFIG), 1)
    assert 0.5 < half < 0.6  # embeddings and norms stay in 16 bits


def test_a_shape_survives_a_plan() -> None:
    shape = model_shape("openai/gpt-oss-20b")
    assert from_dict(ModelShape, to_dict(shape)) == shape


def test_keys_that_no_rule_reads_are_left_out_and_a_null_window_is_kept() -> None:
    kept = reduced(CONFIG | {"bos_token_id": 1, "transformers_version": "5", "rms_norm_eps": 1e-6})
    assert kept["sliding_window"] is None
    assert not {"bos_token_id", "transformers_version", "rms_norm_eps", "rope_scaling"} & set(kept)


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        ("BertModel", "do not know the architecture BertModel"),
        ("LlamaForCasualLM", 'Did you mean "LlamaForCausalLM"'),
        ("DeepseekV4ForCausalLM", "--architecture"),
    ],
)
def test_an_unknown_architecture_is_refused_by_name(architecture: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        shape_from_config(CONFIG | {"architectures": [architecture]})


def test_an_unknown_architecture_can_be_read_as_a_known_one() -> None:
    config = CONFIG | {"architectures": ["NobodysForCausalLM"]}
    shape = shape_from_config(config, "Qwen3ForCausalLM")
    assert weights_bytes_per_rank(shape, 1) == weights_bytes_per_rank(shape_from_config(CONFIG), 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"architectures": []}, "architectures"),
        ({"architectures": "Qwen3ForCausalLM"}, "architectures"),
        ({"num_hidden_layers": 0}, "num_hidden_layers must be a positive"),
        ({"num_hidden_layers": 5000}, "num_hidden_layers is 5000"),
        ({"hidden_size": -4096}, "hidden_size must be a positive"),
        ({"hidden_size": "4096"}, "hidden_size must be a positive"),
        ({"vocab_size": None}, "vocab_size must be a positive"),
        ({"vocab_size": 10**12}, "vocab_size must be a positive"),
        ({"num_key_value_heads": 7}, "num_attention_heads is 32, which does not divide"),
        ({"torch_dtype": "int8"}, "torch_dtype is 'int8'"),
        ({"attention_bias": "yes"}, "attention_bias must be true or false"),
        ({"rope_scaling": "yarn"}, "rope_scaling must be a table"),
        ({"layer_types": ["full_attention"]}, "layer_types must be a list of 36 entries"),
        ({"quantization_config": {"quant_method": "magic"}}, "quant_method is 'magic'"),
        ({"architectures": ["Gemma3ForConditionalGeneration"]}, "lacks vision_config"),
        ({"architectures": ["DeepseekV3ForCausalLM"]}, "kv_lora_rank must be"),
    ],
)
def test_a_wrong_key_is_named_in_one_sentence(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        shape_from_config(CONFIG | change)
    assert "\n" not in str(caught.value)


SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**13), 10**13) | st.floats() | st.text(max_size=8)
)
JSON = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=8), SCALARS)


@given(
    model=st.sampled_from(
        ["Qwen/Qwen3-Next-80B-A3B-Instruct", "openai/gpt-oss-20b", "deepseek-ai/DeepSeek-V3.2"]
    ),
    data=st.data(),
)
def test_no_config_crashes(model: str, data: st.DataObject) -> None:
    config = dict(model_shape(model).config)
    key = data.draw(st.sampled_from(sorted(config)))
    config[key] = data.draw(JSON)
    try:
        shape = shape_from_config(config)
    except InputError:
        return
    assert weights_bytes_per_rank(shape, 1) > 0
