"""One layer's page, and the blocks a request takes of it."""

from __future__ import annotations

import pytest

from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.anatomy import Recurrent
from cdk_vllm.sizing.blueprint import anatomy_of
from cdk_vllm.sizing.kv_specs import CacheOptions, Spec, layer_specs, state_bytes
from cdk_vllm.sizing.modules import Parallel
from cdk_vllm.sizing.stored import Target

HOPPER = Target()


def specs(
    model: str, tensor: int = 1, target: Target = HOPPER, element_bytes: int = 2
) -> list[Spec]:
    options = CacheOptions(
        max_model_len=4096, max_num_batched_tokens=8192, element_bytes=element_bytes
    )
    found = layer_specs(anatomy_of(model_shape(model)), Parallel(tensor=tensor), options, target)
    return [spec for _, spec in found]


@pytest.mark.parametrize(
    ("spec", "tokens", "in_flight", "blocks"),
    [
        (Spec(kind="full", block_tokens=16, page_bytes=1), 4097, 0, 257),
        (Spec(kind="latent", block_tokens=64, page_bytes=1), 4096, 0, 64),
        (Spec(kind="sliding", block_tokens=16, page_bytes=1, bound=128), 131072, 4096, 265),
        (Spec(kind="sliding", block_tokens=16, page_bytes=1, bound=128), 100, 4096, 8),
        (Spec(kind="chunked", block_tokens=16, page_bytes=1, bound=8192), 1048576, 2048, 640),
        (Spec(kind="state", block_tokens=0, page_bytes=1, pages=3), 131072, 4096, 3),
    ],
)
def test_blocks_of_a_request(spec: Spec, tokens: int, in_flight: int, blocks: int) -> None:
    assert spec.blocks_for(tokens, in_flight) == blocks


def test_a_latent_cache_is_whole_on_every_rank() -> None:
    one, eight = (specs("deepseek-ai/DeepSeek-R1", size)[0] for size in (1, 8))
    assert one == eight
    assert one.page_bytes == one.block_tokens * 1152


def test_an_index_is_a_cache_of_its_own() -> None:
    found = specs("deepseek-ai/DeepSeek-V3.2")
    assert len(found) == 2 * 61
    assert {spec.page_bytes for spec in found} == {64 * 1152, 64 * 132}


@pytest.mark.parametrize(
    ("capability", "block"), [((8, 9), 16), ((9, 0), 16), ((10, 0), 32), ((12, 0), 16)]
)
def test_the_gpu_decides_a_latent_block(capability: tuple[int, int], block: int) -> None:
    found = specs("deepseek-ai/DeepSeek-R1", target=Target(capability=capability))
    assert found[0].block_tokens == block


def test_a_hybrids_block_covers_a_state() -> None:
    # A public log of vLLM 0.11: block 544, page 557,056 B.
    model, old = "Qwen/Qwen3-Next-80B-A3B-Instruct", Target(vllm=(0, 11))
    found = specs(model, 2, old)
    assert {spec.page_bytes for spec in found} == {557_056}
    assert {spec.block_tokens for spec in found if spec.kind == "full"} == {544}
    assert {spec.pages for spec in found if spec.kind == "state"} == {1}


def test_prefix_caching_keeps_more_states() -> None:
    new = specs("Qwen/Qwen3-Next-80B-A3B-Instruct", 2)
    ampere = specs("Qwen/Qwen3-Next-80B-A3B-Instruct", 2, Target(capability=(8, 0)))
    assert {spec.pages for spec in new if spec.kind == "state"} == {3}
    assert {spec.pages for spec in ampere if spec.kind == "state"} == {2}


def test_states_are_shared_out_by_heads() -> None:
    layers = anatomy_of(model_shape("Qwen/Qwen3-Next-80B-A3B-Instruct")).layers
    mixer = layers[0].mixer
    assert isinstance(mixer, Recurrent)
    assert state_bytes(mixer, Parallel()) == 1_097_728  # vLLM's own
    assert state_bytes(mixer, Parallel(tensor=2)) * 2 == 1_097_728


def test_a_float8_cache_halves_the_page() -> None:
    sixteen, eight = (specs("Qwen/Qwen3-8B", element_bytes=size)[0] for size in (2, 1))
    assert sixteen.page_bytes == 2 * eight.page_bytes
