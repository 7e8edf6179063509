"""From a `config.json` to an `Anatomy`, by architecture; one module a kind of model.

An architecture that is not in the registry is refused by name: a guessed one would promise memory
that is not there.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import InputError, nearest
from cdk_vllm.sizing.config_values import Config
from cdk_vllm.sizing.families import decoder, hybrid, latent, parts, towers, windowed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cdk_vllm.sizing.anatomy import Anatomy

Family = "Callable[[Config, Config], Anatomy]"


def _decoder(name: str) -> Callable[[Config, Config], Anatomy]:
    return partial(decoder.decoder, trait=decoder.TRAITS[name])


FAMILIES: dict[str, Callable[[Config, Config], Anatomy]] = {
    **{name: _decoder(name) for name in decoder.TRAITS},
    "Gemma2ForCausalLM": windowed.gemma2,
    "Gemma3ForCausalLM": windowed.gemma3,
    "Gemma3ForConditionalGeneration": windowed.gemma3,
    "Gemma4ForCausalLM": windowed.gemma4,
    "Gemma4ForConditionalGeneration": windowed.gemma4,
    "GptOssForCausalLM": windowed.gpt_oss,
    "Llama4ForCausalLM": windowed.llama4,
    "Llama4ForConditionalGeneration": windowed.llama4,
    "MiMoV2FlashForCausalLM": windowed.mimo_v2,
    "DeepseekV2ForCausalLM": latent.latent,
    "DeepseekV3ForCausalLM": latent.latent,
    "DeepseekV32ForCausalLM": latent.latent,
    "GlmMoeDsaForCausalLM": latent.latent,
    "Glm4MoeLiteForCausalLM": latent.latent,
    "KimiK25ForConditionalGeneration": latent.latent,
    "Qwen3NextForCausalLM": hybrid.qwen3_next,
    "Qwen3_5ForCausalLM": hybrid.qwen3_next,
    "Qwen3_5MoeForCausalLM": hybrid.qwen3_next,
    "Qwen3_5ForConditionalGeneration": hybrid.qwen3_next,
    "Qwen3_5MoeForConditionalGeneration": hybrid.qwen3_next,
    "GraniteMoeHybridForCausalLM": hybrid.granite_hybrid,
    "JambaForCausalLM": hybrid.jamba,
    "NemotronHForCausalLM": hybrid.nemotron_h,
    "Mistral3ForConditionalGeneration": _decoder("MistralForCausalLM"),
    "Qwen2_5_VLForConditionalGeneration": _decoder("Qwen2ForCausalLM"),
    "Qwen3VLForConditionalGeneration": _decoder("Qwen3ForCausalLM"),
    "Qwen3VLMoeForConditionalGeneration": _decoder("Qwen3MoeForCausalLM"),
}


def anatomy_of_config(config: Mapping[str, Any], architecture: str | None = None) -> Anatomy:
    """Return the anatomy that a `config.json` describes.

    `architecture` reads the config as another, known architecture. Raises `InputError` for an
    architecture the rules do not know, and for a key that is missing or wrong.
    """
    root = Config(config)
    name = architecture or architecture_of(config)
    build = FAMILIES.get(name)
    if build is None:
        hint = nearest(name, FAMILIES)
        raise InputError(
            f"The rules do not know the architecture {name}; to size it as one they know, give "
            f"--architecture, such as LlamaForCausalLM.{hint}"
        )
    text = root.table("text_config", "llm_config") or root
    anatomy = build(root, text)
    blocks = tuple(towers.towers(name, root, anatomy.hidden))
    element_bytes = 2
    parts.dtype(root, text)
    return replace(anatomy, architecture=name, towers=blocks, element_bytes=element_bytes)


def architecture_of(config: Mapping[str, Any]) -> str:
    """Return the one architecture a `config.json` names; raises `InputError`."""
    names = config.get("architectures") or []
    if not isinstance(names, list) or len(names) != 1 or not isinstance(names[0], str):
        raise InputError(f'config.json must name one entry in "architectures", not {names!r}.')
    return names[0]
