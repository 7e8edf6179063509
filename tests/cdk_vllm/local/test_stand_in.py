"""Which small model stands in for which."""

from __future__ import annotations

from dataclasses import replace

from cdk_vllm.local.stand_in import stand_in_for
from cdk_vllm.sizing import model_shape, shape_from_config


def test_a_model_is_stood_in_for_by_its_own_family() -> None:
    architecture, config = stand_in_for(model_shape("Qwen/Qwen3-8B"))
    assert architecture == "Qwen3ForCausalLM"
    assert config["model_type"] == "qwen3"


def test_another_family_is_stood_in_for_by_a_llama() -> None:
    unknown = replace(model_shape("Qwen/Qwen3-8B"), architecture="JambaForCausalLM")
    architecture, config = stand_in_for(unknown)
    assert architecture == "LlamaForCausalLM"
    assert config["model_type"] == "llama"


def test_it_is_small_and_one_the_rules_can_read() -> None:
    architecture, config = stand_in_for(model_shape("Qwen/Qwen3-8B"))
    read = shape_from_config(
        {**config, "architectures": [architecture], "vocab_size": 512, "torch_dtype": "bfloat16"}
    )
    assert read.num_hidden_layers * read.hidden_size < 1000
    assert read.max_position_embeddings >= 4096, "as long as requests may be on a CPU"
