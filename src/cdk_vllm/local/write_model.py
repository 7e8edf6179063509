"""Write a small model with random weights, a tokenizer and a chat template, and adapters for it.

Run by the engine's own interpreter with one argument, a file of JSON: a list of tables that each
hold `directory` and either `config` (a model, under Hugging Face's names) or `adapter` (`rank`,
`seed`, and `model`, the model's directory).
"""
# ruff: noqa: PLC0415, S106 - the engine's packages are not ours, and a token is no password

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

# Tool and reasoning parsers look these up in the vocabulary.
SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<think>",
    "</think>",
    "[THINK]",
    "[/THINK]",
    "<tool_call>",
    "</tool_call>",
    "[TOOL_CALLS]",
    "<|python_tag|>",
    "<pad>",
)
TEXT = (
    "The quick brown fox jumps over the lazy dog. What does a load balancer do, and which tool "
    'answers? {"name": "weather", "arguments": {"city": "Paris"}} is one; 0123456789 are digits.'
)
CHAT_TEMPLATE = (
    "{%- if tools %}<|im_start|>system\n{{ tools | tojson }}<|im_end|>\n{% endif %}"
    "{%- for message in messages %}<|im_start|>{{ message.role }}\n"
    "{{ message.content }}<|im_end|>\n{% endfor %}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
VOCABULARY = 512
ADAPTED = ("q_proj", "v_proj")


def write_tokenizer(directory: Path) -> Any:
    """Train a byte-level tokenizer on a few words, write it, and return it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<pad>",
        chat_template=CHAT_TEMPLATE,
    )
    fast.save_pretrained(directory)
    return fast


def write_model(directory: Path, config: dict[str, Any]) -> None:
    """Write a model of `config`'s type, its vocabulary the tokenizer's, its weights random."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    tokenizer = write_tokenizer(directory)
    ends = {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": None}
    found = AutoConfig.for_model(
        config["model_type"],
        **{key: value for key, value in config.items() if key != "model_type"},
        vocab_size=VOCABULARY,
        pad_token_id=tokenizer.pad_token_id,
        **ends,
    )
    model = AutoModelForCausalLM.from_config(found).to(torch.bfloat16)
    model.save_pretrained(directory)


def write_adapter(directory: Path, adapter: dict[str, Any]) -> None:
    """Write a LoRA adapter of the attention's query and value, strong enough to be noticed."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(adapter["model"])
    rank, heads, hidden = adapter["rank"], config.num_attention_heads, config.hidden_size
    width = getattr(config, "head_dim", None) or hidden // heads
    rows = {"q_proj": heads * width, "v_proj": config.num_key_value_heads * width}
    random = torch.Generator().manual_seed(adapter["seed"])
    tensors = {}
    for layer in range(config.num_hidden_layers):
        for name in ADAPTED:
            place = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            tensors[f"{place}.lora_A.weight"] = torch.randn(rank, hidden, generator=random)
            tensors[f"{place}.lora_B.weight"] = torch.randn(rows[name], rank, generator=random)
    save_file(tensors, directory / "adapter_model.safetensors")
    described = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": adapter.get("base_model_name_or_path", adapter["model"]),
        "r": rank,
        "lora_alpha": rank,
        "target_modules": list(ADAPTED),
        "bias": "none",
    }
    (directory / "adapter_config.json").write_text(json.dumps(described, indent=2), "utf-8")


def main() -> None:
    """Write what a file asks for."""
    for asked in json.loads(Path(sys.argv[1]).read_text("utf-8")):
        directory = Path(asked["directory"])
        directory.mkdir(parents=True, exist_ok=True)
        if "config" in asked:
            write_model(directory, asked["config"])
        else:
            write_adapter(directory, asked["adapter"])


if __name__ == "__main__":
    main()
