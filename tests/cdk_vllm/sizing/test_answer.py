"""The plan that a choice becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_vllm.sizing import choose

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingRequest

    Ask = Callable[..., ServingRequest]


def test_alternatives_with_the_same_ranks_come_first(ask: Ask) -> None:
    plan = choose(ask("meta-llama/Llama-3.3-70B-Instruct"))
    sizes = [a.tensor_parallel_size for a in plan.alternatives]
    same = [size == plan.tensor_parallel_size for size in sizes]
    assert any(same)
    assert same == sorted(same, reverse=True)
    first = [a.ranked_usd_per_hour for a, s in zip(plan.alternatives, same, strict=True) if s]
    assert first == sorted(first)
    assert all(a.gpu and a.replicas_per_instance >= 1 for a in plan.alternatives)


def test_an_alternative_is_another_instance(ask: Ask) -> None:
    plan = choose(ask())
    names = [a.instance_type for a in plan.alternatives]
    assert plan.instance_type not in names
    assert len(set(names)) == len(names)


def test_speed_and_price_of_tokens(ask: Ask) -> None:
    plan = choose(ask())
    assert plan.tpot_seconds is not None
    assert plan.output_tokens_per_second is not None
    per_hour = plan.output_tokens_per_second * 3600
    assert plan.usd_per_million_output_tokens == pytest.approx(
        1e6 * (plan.usd_per_hour or 0) / per_hour, rel=1e-3
    )
    assert plan.speed_basis.startswith("uncalibrated: ")


def test_without_a_typical_answer_its_tokens_have_no_price(ask: Ask) -> None:
    plan = choose(ask(prompt_tokens=2499, output_tokens=1))
    assert plan.usd_per_million_output_tokens is None


def test_packed_replicas_make_tokens_cheaper(ask: Ask) -> None:
    def price(replicas: int) -> float:
        request = ask(
            "Qwen/Qwen3-0.6B",
            instance_type="g6.12xlarge",
            concurrent_requests=4,
            min_replicas=replicas,
            max_replicas=4,
        )
        return choose(request).usd_per_million_output_tokens or 0.0

    assert price(1) == pytest.approx(4 * price(4), rel=1e-3)
