"""What one rank reads and computes."""

from __future__ import annotations

import pytest

from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.anatomy import Anatomy, Latent, Layer, Mixture, Recurrent
from cdk_vllm.sizing.blueprint import anatomy_of
from cdk_vllm.sizing.speed.work import work_of
from cdk_vllm.sizing.weights import weights_bytes_per_rank

DENSE = "Qwen/Qwen3-8B"
MIXTURE = "Qwen/Qwen3-30B-A3B"


def one_layer(mixer: Latent | Recurrent) -> Anatomy:
    layer = Layer(mixer=mixer, mlps=(Mixture(experts=8, top_k=2, inner=64, shared=32),), norms=())
    return Anatomy(
        architecture="X", hidden=128, vocab=1024, tied=True, positions=64, layers=(layer,)
    )


@pytest.mark.parametrize("model", [DENSE, MIXTURE])
@pytest.mark.parametrize("ranks", [1, 4])
def test_bytes_agree_with_the_memory_rules(model: str, ranks: int) -> None:
    shape = model_shape(model)
    work = work_of(anatomy_of(shape), ranks)
    embedding = shape.vocab_size * shape.hidden_size * 2 / ranks  # looked up, not read
    held = weights_bytes_per_rank(shape, ranks) - embedding
    read = work.resident_bytes + work.head_bytes + work.expert_bytes
    assert read == pytest.approx(held, rel=0.01)


def test_flops_are_two_for_each_weight_a_token_meets() -> None:
    work = work_of(anatomy_of(model_shape(MIXTURE)), 1)
    active = (work.flops[16] + work.expert_flops + work.head_flops) / 2
    assert active == pytest.approx(3.0e9, rel=0.1)  # A3B


def test_kv_heads_are_not_split_below_one() -> None:
    anatomy = anatomy_of(model_shape(MIXTURE))  # four KV heads
    reads = [work_of(anatomy, ranks).cache[0].bytes_per_token for ranks in (1, 4, 8)]
    assert reads == [2048, 512, 512]


def test_latent_attention_is_read_whole_by_every_rank() -> None:
    latent = Latent(heads=16, q_rank=64, kv_rank=512, nope_dim=128, rope_dim=64, v_dim=128)
    one, two = (work_of(one_layer(latent), ranks) for ranks in (1, 2))
    assert one.cache[0].bytes_per_token == two.cache[0].bytes_per_token == 576 * 2
    assert one.kernels > work_of(anatomy_of(model_shape(DENSE)), 1).kernels / 36


def test_a_recurrent_state_does_not_grow_with_the_context() -> None:
    mamba = Recurrent(kind="mamba2", inner=256, heads=4, head_dim=64, groups=1, state=128, kernel=4)
    work = work_of(one_layer(mamba), 1)
    assert work.cache == []
    assert work.state_bytes == 2 * 4 * 64 * 128 * 2


def test_experts_are_shared_out_over_their_own_ranks() -> None:
    anatomy = anatomy_of(model_shape(MIXTURE))
    four, sixteen = work_of(anatomy, 4), work_of(anatomy, 4, expert_ranks=16)
    assert sixteen.expert_bytes == pytest.approx(four.expert_bytes / 4)
    assert sixteen.resident_bytes == four.resident_bytes
