"""The choice: two golden plans, and properties of every plan."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdk_vllm import catalog
from cdk_vllm.errors import InputError, PlanError
from cdk_vllm.sizing import ServingPlan, choose, fits, from_dict, to_dict, to_flags
from cdk_vllm.sizing.choose import considered_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingRequest

    Ask = Callable[..., ServingRequest]

MISTRAL = "mistralai/Mistral-Small-24B-Instruct-2501"


def test_golden_qwen3_8b_on_ecs(ask: Ask) -> None:
    plan = choose(ask(max_replicas=4))
    assert (plan.instance_type, plan.gpu, plan.tensor_parallel_size) == ("g6e.xlarge", "L40S", 1)
    assert (plan.memory.total_gib, plan.memory.weights_gib) == (44.42, 15.268)
    assert plan.memory.kv_cache_needed_gib == 12.144
    assert plan.memory.kv_cache_gib == pytest.approx(24.7, abs=0.3)
    assert plan.kv_cache_tokens == pytest.approx(180_000, rel=0.02)
    assert plan.max_concurrency == pytest.approx(11.0, rel=0.02)
    assert (plan.usd_per_hour, plan.usd_per_month) == (1.861, 1358.53)
    assert plan.alternatives[0].instance_type == "g6e.2xlarge"
    assert [r.instance_type for r in plan.rejected if r.usd_per_hour][:3] == [
        "g4dn.xlarge",
        "g4dn.2xlarge",
        "g6.xlarge",
    ]


def test_golden_mistral_small_on_sagemaker(ask: Ask) -> None:
    plan = choose(ask(MISTRAL, backend="sagemaker"))
    assert (plan.instance_type, plan.gpu) == ("ml.g7e.2xlarge", "RTX PRO 6000")
    assert (plan.tensor_parallel_size, plan.replicas_per_instance) == (1, 1)
    assert plan.memory.weights_gib == 43.915
    assert plan.memory.kv_cache_gib == pytest.approx(40.6, abs=0.5)
    assert plan.memory.kv_cache_needed_gib == 13.494
    assert (plan.usd_per_hour, plan.price_source.basis) == (4.2039, "listed")
    assert fits(plan) is None


def test_a_small_workload_takes_a_small_gpu(ask: Ask) -> None:
    plan = choose(ask(max_model_len=4096, concurrent_requests=4))
    assert plan.instance_type == "g6.xlarge"


def test_t4_serves_where_the_user_says_half(ask: Ask) -> None:
    plan = choose(ask("Qwen/Qwen3-0.6B", engine={"dtype": "half"}, concurrent_requests=4))
    assert (plan.instance_type, plan.engine_args["dtype"]) == ("g4dn.xlarge", "float16")


def test_the_largest_model_takes_eight_h200s(ask: Ask) -> None:
    for backend, name in (("ecs", "p5en.48xlarge"), ("sagemaker", "ml.p5en.48xlarge")):
        plan = choose(ask("meta-llama/Llama-3.1-405B", backend=backend))
        assert (plan.instance_type, plan.tensor_parallel_size) == (name, 8)


@pytest.mark.parametrize(("replicas", "usd"), [(1, 16.57216), (2, 8.28608)])
def test_replicas_that_always_run_share_an_instance(ask: Ask, replicas: int, usd: float) -> None:
    request = ask(
        "meta-llama/Llama-3.3-70B-Instruct",
        instance_type="g7e.24xlarge",
        min_replicas=replicas,
        max_replicas=2,
    )
    plan = choose(request)
    assert (plan.tensor_parallel_size, plan.replicas_per_instance) == (2, 2)
    assert plan.usd_per_hour == usd


def test_rejected_are_all_cheaper_and_say_why(ask: Ask) -> None:
    plan = choose(ask(MISTRAL, region="us-east-2"))
    priced = [r for r in plan.rejected if r.ranked_usd_per_hour is not None]
    assert priced
    for rejection in priced:
        assert (rejection.ranked_usd_per_hour or 0) <= plan.ranked_usd_per_hour
        assert rejection.reason[0].isupper()
        assert rejection.reason.endswith(".")
        assert any(character.isdigit() for character in rejection.reason)
    unranked = [r for r in plan.rejected if r.ranked_usd_per_hour is None]
    assert [r.instance_type for r in unranked] == ["p5e.48xlarge"]
    assert "no EC2 prices for us-east-2" in unranked[0].reason


def test_alternatives_are_dearer_and_in_order(ask: Ask) -> None:
    plan = choose(ask())
    assert len(plan.alternatives) == 8
    for alternative in plan.alternatives:
        assert alternative.ranked_usd_per_hour >= plan.ranked_usd_per_hour


def test_an_instance_can_be_named(ask: Ask) -> None:
    plan = choose(ask(instance_type="g7e.2xlarge"))
    assert plan.instance_type == "g7e.2xlarge"
    cheaper = next(r for r in plan.rejected if r.instance_type == "g6e.xlarge")
    assert "the request names g7e.2xlarge" in cheaper.reason


def test_an_unpriced_instance_can_be_named(ask: Ask) -> None:
    plan = choose(ask(instance_type="p5e.48xlarge", region="us-east-2"))
    assert plan.instance_type == "p5e.48xlarge"
    assert plan.usd_per_hour is None
    assert "no EC2 prices for us-east-2" in str(plan.price_source.reason)


def test_a_region_without_prices_still_has_a_plan(ask: Ask) -> None:
    plan = choose(ask(region="ap-northeast-1"))
    assert plan.usd_per_hour is None
    assert plan.usd_per_month is None
    assert (plan.ranked_usd_per_hour, plan.instance_type) == (1.861, "g6e.xlarge")
    assert plan.price_source.ranked_by_region == "us-east-1"


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"instance_type": "g6e.xlarg"}, InputError, 'Did you mean "g6e.xlarge"'),
        ({"instance_type": "g6e.xlarge", "backend": "sagemaker"}, InputError, "ml.g6e.xlarge"),
        ({"instance_type": "g6f.xlarge"}, PlanError, "fraction of an L4"),
        ({"instance_type": "g5g.xlarge"}, PlanError, "Arm"),
        ({"instance_type": "g6.xlarge"}, PlanError, "GiB for the KV cache"),
        (
            {"instance_type": "g6.xlarge", "engine": {"tensor_parallel_size": 2}},
            PlanError,
            "has 1 GPUs, and tensor_parallel_size is 2",
        ),
        (
            {"model": "Qwen/Qwen3-Coder-480B-A35B-Instruct", "concurrent_requests": 2000,
             "max_model_len": 262144, "prompt_tokens": 200000},
            PlanError,
            "the nearest is p6-b200.48xlarge with tensor_parallel_size 8",
        ),
        ({"engine": {"gpu_memory_utilization": 0.999}}, PlanError, "must be left"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_likely_fix(
    ask: Ask, change: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        choose(ask(**change))


def test_a_target_takes_a_faster_gpu(ask: Ask) -> None:
    free, quick = choose(ask()), choose(ask(tpot_seconds=0.03))
    assert quick.ranked_usd_per_hour > free.ranked_usd_per_hour
    assert quick.tpot_seconds is not None
    assert quick.tpot_seconds.high <= 0.03
    why = next(r.reason for r in quick.rejected if r.instance_type == free.instance_type)
    assert "above the target of 30 ms" in why
    assert fits(quick) is None


def test_an_impossible_target_says_how_far_it_is(ask: Ask) -> None:
    with pytest.raises(PlanError, match=r"above the target of 0.1 ms.*accept slower tokens"):
        choose(ask(tpot_seconds=0.0001))


def test_a_peak_takes_the_cheapest_instances_together(ask: Ask) -> None:
    request = ask(peak_concurrent_requests=500)
    plan = choose(request)
    peak = plan.peak
    assert peak is not None
    assert peak.replicas * peak.concurrent_requests_per_replica >= 500
    assert peak.usd_per_hour == pytest.approx((plan.usd_per_hour or 0) * peak.replicas)
    for alternative in plan.alternatives:
        total = alternative.ranked_usd_per_hour * alternative.replicas
        assert total >= (peak.usd_per_hour or 0) - 1e-6
    assert int(plan.engine_args["max_num_seqs"]) >= peak.concurrent_requests_per_replica
    assert plan.typical_concurrency >= peak.concurrent_requests_per_replica
    assert fits(plan) is None
    assert from_dict(ServingPlan, json.loads(json.dumps(to_dict(plan)))) == plan


@settings(max_examples=10, deadline=None)
@given(peak=st.integers(1, 2000), more=st.integers(1, 500))
def test_a_higher_peak_never_costs_less(ask: Ask, peak: int, more: int) -> None:
    low, high = (
        choose(ask("Qwen/Qwen3-0.6B", peak_concurrent_requests=p)).peak for p in (peak, peak + more)
    )
    assert low is not None
    assert high is not None
    assert (low.usd_per_hour or 0) <= (high.usd_per_hour or 0) + 1e-9


def test_spot_ranks_by_spot(ask: Ask) -> None:
    plan = choose(ask(spot=True, max_request_seconds=65))
    assert plan.instance_type == "g6e.4xlarge"  # sampled below g6e.xlarge's on-demand price
    assert plan.ranked_usd_per_hour == plan.spot_usd_per_hour
    with pytest.raises(InputError, match="no spot endpoints"):
        choose(ask(spot=True, backend="sagemaker"))


def test_adapters_and_a_draft_model_take_memory(ask: Ask) -> None:
    plain = choose(ask("meta-llama/Llama-3.1-8B-Instruct"))
    lora = choose(
        ask(
            "meta-llama/Llama-3.1-8B-Instruct",
            engine={"enable_lora": True, "max_loras": 8, "max_lora_rank": 64},
        )
    )
    assert lora.memory.kv_cache_gib == pytest.approx(plain.memory.kv_cache_gib - 2.75, abs=0.1)
    eagle = '{"method": "eagle", "model": "yuhuili/EAGLE", "num_speculative_tokens": 3}'
    draft = choose(ask("meta-llama/Llama-3.1-8B-Instruct", engine={"speculative_config": eagle}))
    assert draft.memory.weights_gib > plain.memory.weights_gib
    assert draft.kv_cache_tokens < plain.kv_cache_tokens * 32 / 33
    assert fits(draft) is None


def test_what_is_considered_is_every_supported_type_once(ask: Ask) -> None:
    found = [c.instance_type for c in considered_for(ask())]
    usable = [i.name for i in catalog.instances().values() if i.unsupported is None]
    assert sorted(found) == sorted(usable)


REQUESTS = {
    "model": st.sampled_from(["Qwen/Qwen3-0.6B", "Qwen/Qwen3-30B-A3B", MISTRAL]),
    "backend": st.sampled_from(["ecs", "sagemaker"]),
    "concurrent": st.integers(1, 128),
    "prompt": st.integers(1, 8000),
    "replicas": st.integers(1, 8),
}


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(**REQUESTS)
def test_every_plan_fits_and_survives_json(
    ask: Ask, model: str, backend: str, concurrent: int, prompt: int, replicas: int
) -> None:
    plan = choose(
        ask(
            model,
            backend=backend,
            concurrent_requests=concurrent,
            prompt_tokens=prompt,
            max_replicas=replicas,
        )
    )
    assert fits(plan) is None
    assert from_dict(ServingPlan, json.loads(json.dumps(to_dict(plan)))) == plan
    assert plan.memory.kv_cache_gib >= plan.memory.kv_cache_needed_gib - 0.004
    assert plan.typical_concurrency >= concurrent
    assert plan.max_concurrency >= 1
    assert plan.replicas_per_instance * plan.gpus_per_replica <= plan.gpus
    assert catalog.instances()[plan.instance_type.removeprefix("ml.")].unsupported is None
    assert to_flags(plan.engine_args)[:2] == ["--served-model-name", model]


def seconds() -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(1e-6, 100)


@settings(max_examples=40, deadline=None)
@given(
    model=st.sampled_from(sorted(catalog.models())),
    lengths=st.tuples(st.integers(1, 3000), st.integers(0, 1000)),
    concurrent=st.integers(1, 5000),
    targets=st.tuples(seconds(), seconds()),
    peak=st.none() | st.integers(1, 10**7),
    kv_cache_dtype=st.sampled_from(["auto", "fp8"]),
)
def test_whatever_is_asked_is_planned_or_refused_in_a_sentence(
    ask: Ask,
    model: str,
    lengths: tuple[int, int],
    concurrent: int,
    targets: tuple[float | None, float | None],
    peak: int | None,
    kv_cache_dtype: str,
) -> None:
    request = ask(
        model,
        max_model_len=4000,
        prompt_tokens=lengths[0],
        output_tokens=lengths[1],
        concurrent_requests=concurrent,
        ttft_seconds=targets[0],
        tpot_seconds=targets[1],
        peak_concurrent_requests=peak,
        engine={"kv_cache_dtype": kv_cache_dtype},
    )
    plan, sentence = planned(request)
    assert sentence.endswith(".")
    if plan is not None:
        assert fits(plan) is None
        assert all(rejection.reason.endswith(".") for rejection in plan.rejected)


def planned(request: ServingRequest) -> tuple[ServingPlan | None, str]:
    """Return the plan, or the sentence that refuses one."""
    try:
        return choose(request), "Planned."
    except (InputError, PlanError) as error:
        return None, str(error)


@settings(max_examples=20, deadline=None)
@given(concurrent=st.integers(1, 64), more=st.integers(0, 64))
def test_more_concurrency_never_costs_less(ask: Ask, concurrent: int, more: int) -> None:
    small = ask(concurrent_requests=concurrent)
    large = replace(small, workload=replace(small.workload, concurrent_requests=concurrent + more))
    assert choose(small).ranked_usd_per_hour <= choose(large).ranked_usd_per_hour
