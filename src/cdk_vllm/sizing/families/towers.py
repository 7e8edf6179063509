"""Image and audio encoders with their projectors: the blocks they add, and what ranks share.

Source: vLLM 0.33.0's models siglip.py, gemma3_mm.py, gemma4_mm.py, pixtral.py, mistral3.py,
qwen2_5_vl.py, qwen3_vl.py, mllama4.py and kimi_k25_vit.py. Towers are counted in 16 bits: the
checkpoints that quantize a language model leave its towers out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.errors import InputError
from cdk_vllm.sizing.anatomy import Block
from cdk_vllm.sizing.config_values import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def linear(rows: int, columns: int, *, bias: bool = False, row_split: bool = False) -> list[Block]:
    """Return a linear module that ranks share, by rows (with its bias) or by columns."""
    blocks = [Block(rows=rows, columns=columns, split=True)]
    if bias:
        blocks.append(Block(rows=rows, split=not row_split))
    return blocks


def encoder_layer(
    hidden: int, inner: int, *, bias: bool, gated: bool, norms: int, width: int | None = None
) -> list[Block]:
    """Return one transformer layer of an encoder; `norms` counts weights of `hidden` elements."""
    width = width or hidden
    blocks = linear(3 * width, hidden, bias=bias)
    blocks += linear(hidden, width, bias=bias, row_split=True)
    blocks += linear((2 if gated else 1) * inner, hidden, bias=bias)
    blocks += linear(hidden, inner, bias=bias, row_split=True)
    blocks += [Block(rows=hidden)] * norms
    return blocks


def siglip(vision: Config, text_hidden: int) -> list[Block]:
    """SigLIP with Gemma 3's projector: one matrix and a norm."""
    hidden, patch = vision.integer("hidden_size"), vision.integer("patch_size")
    positions = (vision.integer("image_size") // patch) ** 2
    blocks = [
        Block(rows=hidden, columns=3 * patch * patch),
        Block(rows=hidden),
        Block(rows=positions, columns=hidden),
    ]
    inner = vision.integer("intermediate_size")
    for _ in range(vision.integer("num_hidden_layers")):
        blocks += encoder_layer(hidden, inner, bias=True, gated=False, norms=4)
    blocks += [Block(rows=hidden)] * 2
    return [*blocks, Block(rows=hidden, columns=text_hidden), Block(rows=hidden)]


def pixtral(vision: Config, text_hidden: int) -> list[Block]:
    """Pixtral with Mistral 3's projector: a norm, a patch merger, and two linear modules."""
    hidden, patch = vision.integer("hidden_size"), vision.integer("patch_size")
    merge = vision.integer("spatial_merge_size", default=2)
    blocks = [Block(rows=hidden, columns=3 * patch * patch), Block(rows=hidden)]
    inner = vision.integer("intermediate_size")
    for _ in range(vision.integer("num_hidden_layers")):
        blocks += encoder_layer(hidden, inner, bias=False, gated=True, norms=2)
    blocks += [Block(rows=hidden), Block(rows=hidden, columns=merge * merge * hidden)]
    blocks += linear(text_hidden, hidden)
    return blocks + linear(text_hidden, text_hidden)


def qwen2_vl(vision: Config, text_hidden: int) -> list[Block]:
    """Qwen2.5-VL: gated layers with biases, and a merger of four patches."""
    hidden = vision.integer("hidden_size")
    merged = hidden * vision.integer("spatial_merge_size", default=2) ** 2
    blocks = [Block(rows=hidden, columns=_patch(vision))]
    inner = vision.integer("intermediate_size")
    for _ in range(vision.integer("depth", "num_hidden_layers")):
        blocks += encoder_layer(hidden, inner, bias=True, gated=True, norms=2)
    blocks.append(Block(rows=hidden))
    blocks += linear(merged, merged, bias=True)
    out = vision.integer("out_hidden_size", default=text_hidden)
    return blocks + linear(out, merged, bias=True, row_split=True)


def qwen3_vl(vision: Config, text_hidden: int) -> list[Block]:
    """Qwen3-VL and 3.5: layers with biases, learned positions, one merger a level of the stack."""
    hidden = vision.integer("hidden_size")
    merge = vision.integer("spatial_merge_size", default=2) ** 2
    blocks = [
        Block(rows=hidden, columns=_patch(vision)),
        Block(rows=hidden),
        Block(rows=vision.integer("num_position_embeddings"), columns=hidden),
    ]
    inner = vision.integer("intermediate_size")
    for _ in range(vision.integer("depth", "num_hidden_layers")):
        blocks += encoder_layer(hidden, inner, bias=True, gated=False, norms=4)
    out = vision.integer("out_hidden_size", default=text_hidden)
    deep = len(vision.items("deepstack_visual_indexes") or [])
    for index in range(1 + deep):
        norm = hidden if index == 0 else hidden * merge
        blocks += [Block(rows=norm)] * 2
        blocks += linear(hidden * merge, hidden * merge, bias=True)
        blocks += linear(out, hidden * merge, bias=True, row_split=True)
    head_dim = hidden // vision.integer("num_heads", "num_attention_heads")
    return [*blocks, Block(rows=8192, columns=head_dim // 2, buffer=True)]


def _patch(vision: Config) -> int:
    size = vision.integer("patch_size")
    frames = vision.integer("temporal_patch_size", default=2)
    return vision.integer("in_channels", "in_chans", default=3) * frames * size * size


def gemma4(vision: Config, text_hidden: int) -> list[Block]:
    """Gemma 4's tower, which Transformers builds: nothing is shared out over ranks."""
    hidden, patch = vision.integer("hidden_size"), vision.integer("patch_size")
    heads = vision.integer("num_attention_heads")
    head_dim = vision.integer("head_dim", default=hidden // heads)
    kv_heads = vision.integer("num_key_value_heads", default=heads)
    inner, width = vision.integer("intermediate_size"), heads * head_dim
    positions = vision.integer("position_embedding_size", default=10240)
    blocks = [
        Block(rows=hidden, columns=3 * patch * patch),
        Block(rows=2 * positions, columns=hidden),
    ]
    layer = [Block(rows=width, columns=hidden), Block(rows=hidden, columns=width)]
    layer += [Block(rows=kv_heads * head_dim, columns=hidden)] * 2
    layer += [Block(rows=inner, columns=hidden)] * 3
    layer += [Block(rows=head_dim)] * 2 + [Block(rows=hidden)] * 4
    layer += _clipping(vision, 7)
    blocks += layer * vision.integer("num_hidden_layers")
    if vision.flag("standardize"):
        blocks += [Block(rows=hidden)] * 2
    return [*blocks, Block(rows=text_hidden, columns=hidden)]


def _clipping(tower: Config, linears: int, *, default: bool = False) -> list[Block]:
    """Return the four bounds that each of a tower's linear modules clips to."""
    clipped = tower.flag("use_clipped_linears", default)
    return [Block(rows=1, buffer=True)] * (4 * linears if clipped else 0)


def gemma4_audio(audio: Config, text_hidden: int) -> list[Block]:
    """Gemma 4's conformer for audio, one copy a rank, and its projector."""
    hidden = audio.integer("hidden_size", default=1024)
    head_dim = hidden // audio.integer("num_attention_heads", default=8)
    first, second = _channels(audio)
    out = audio.integer("output_proj_dims", default=1536)
    square = Block(rows=hidden, columns=hidden)
    # Two feed-forward modules, attention with relative positions, a light convolution, norms.
    layer = [Block(rows=4 * hidden, columns=hidden)] * 4 + [square] * 6
    layer += [Block(rows=2 * hidden, columns=hidden), Block(rows=head_dim)]
    layer += [Block(rows=hidden, columns=audio.integer("conv_kernel_size", default=5))]
    layer += [Block(rows=hidden)] * 9 + _clipping(audio, 10, default=True)
    return [
        Block(rows=first, columns=9),
        Block(rows=second, columns=9 * first),
        Block(rows=first),
        Block(rows=second),
        Block(rows=hidden, columns=first // 4 * second),
        *layer * audio.integer("num_hidden_layers", default=12),
        Block(rows=out, columns=hidden),
        Block(rows=out),
        Block(rows=text_hidden, columns=out),
    ]


def _channels(audio: Config) -> tuple[int, int]:
    match audio.items("subsampling_conv_channels", length=2) or [128, 32]:
        case [int(first), int(second)] if first > 0 and second > 0:
            return first, second
    raise InputError(
        "config.json: audio_config.subsampling_conv_channels must be two whole numbers."
    )


def llama4(vision: Config, text_hidden: int) -> list[Block]:
    """Llama 4: a tower with biases, an adapter of shuffled pixels, one projection."""
    hidden, patch = vision.integer("hidden_size"), vision.integer("patch_size")
    inner = vision.integer("intermediate_size")
    positions = (vision.integer("image_size") // patch) ** 2 + 1
    blocks = linear(hidden, 3 * patch * patch)
    blocks += [Block(rows=hidden), Block(rows=positions, columns=hidden)]
    for _ in range(vision.integer("num_hidden_layers")):
        blocks += encoder_layer(hidden, inner, bias=True, gated=False, norms=4)
    blocks += [Block(rows=hidden)] * 4
    width = vision.integer("projector_input_dim", default=4096)
    out = vision.integer("projector_output_dim", default=4096)
    blocks += linear(width, inner) + linear(out, width)
    return blocks + linear(text_hidden, vision.integer("vision_output_dim", default=out))


# Llama 4's tower is the same in Scout and Maverick; their configs may leave it out.
LLAMA4_VISION = {
    "hidden_size": 1408,
    "intermediate_size": 5632,
    "num_hidden_layers": 34,
    "num_attention_heads": 16,
    "image_size": 336,
    "patch_size": 14,
    "projector_input_dim": 4096,
    "projector_output_dim": 4096,
    "vision_output_dim": 4096,
}


def moonvit(vision: Config, text_hidden: int) -> list[Block]:
    """Kimi K2.5's tower, one copy a rank, and its projector."""
    hidden = vision.integer("vt_hidden_size", "hidden_size")
    inner = vision.integer("vt_intermediate_size", "intermediate_size")
    patch = vision.integer("patch_size")
    height = vision.integer("init_pos_emb_height", default=64)
    width = vision.integer("init_pos_emb_width", default=64)
    blocks = [
        Block(rows=hidden, columns=3 * patch * patch),
        Block(rows=hidden),
        Block(rows=height * width, columns=hidden),
    ]
    layers = vision.integer("vt_num_hidden_layers", "num_hidden_layers")
    for _ in range(layers):
        blocks += encoder_layer(hidden, inner, bias=True, gated=False, norms=4)
    merged = 4 * hidden
    tail = [Block(rows=hidden)] * 4
    tail += [Block(rows=merged, columns=merged), Block(rows=merged)]
    return [*blocks, *tail, Block(rows=text_hidden, columns=merged), Block(rows=text_hidden)]


TOWERS: dict[str, Callable[[Config, int], list[Block]]] = {
    "Gemma3ForConditionalGeneration": siglip,
    "Gemma4ForConditionalGeneration": gemma4,
    "Mistral3ForConditionalGeneration": pixtral,
    "Qwen2_5_VLForConditionalGeneration": qwen2_vl,
    "Qwen3VLForConditionalGeneration": qwen3_vl,
    "Qwen3VLMoeForConditionalGeneration": qwen3_vl,
    "Qwen3_5ForConditionalGeneration": qwen3_vl,
    "Qwen3_5MoeForConditionalGeneration": qwen3_vl,
    "Llama4ForConditionalGeneration": llama4,
    "KimiK25ForConditionalGeneration": moonvit,
}


def towers(architecture: str, root: Config, text_hidden: int) -> Iterator[Block]:
    """Yield the blocks of a multimodal model's towers; none for a model of text alone."""
    build = TOWERS.get(architecture)
    if build is None:
        return
    vision = root.table("vision_config")
    if vision is None and architecture.startswith("Llama4"):
        vision = Config(LLAMA4_VISION, "vision_config.")
    if vision is None:
        raise InputError(
            f"config.json lacks vision_config, which sizes the image encoder of {architecture}."
        )
    yield from build(vision, text_hidden)
    audio = root.table("audio_config") if build is gemma4 else None
    if audio is not None:
        yield from gemma4_audio(audio, text_hidden)
