"""The contract: a plan survives being written and read, and a wrong one is told where."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.sizing import ServingPlan, Workload, choose, from_dict, to_dict

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingRequest

    Ask = Callable[..., ServingRequest]


@pytest.fixture(scope="module")
def plan(ask: Ask) -> ServingPlan:
    return choose(ask(engine={"enforce_eager": True, "gpu_memory_utilization": 0.9}))


def test_there_and_back(plan: ServingPlan) -> None:
    assert from_dict(ServingPlan, to_dict(plan)) == plan
    assert from_dict(ServingPlan, json.loads(json.dumps(to_dict(plan)))) == plan


def test_values_keep_their_types(plan: ServingPlan) -> None:
    again = from_dict(ServingPlan, json.loads(json.dumps(to_dict(plan))))
    assert again.engine_args["enforce_eager"] is True
    assert type(again.engine_args["max_num_seqs"]) is int
    assert isinstance(again.alternatives, tuple)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("gpus",), "one", r"ServingPlan.gpus must be int, not 'one'"),
        (("memory", "usable_gib"), None, r"ServingPlan.memory.usable_gib must be float"),
        (("request", "backend"), "eks", "allowed: ecs, sagemaker"),
        (("alternatives",), {}, "must be a list"),
        (("rejected",), [1], r"rejected\[0\] must be a table"),
        (("surplus",), 1, "unknown key 'surplus'"),
    ],
)
def test_a_wrong_value_is_told_where(
    plan: ServingPlan, path: tuple[str, ...], value: Any, words: str
) -> None:
    data = json.loads(json.dumps(to_dict(plan)))
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(ValueError, match=words):
        from_dict(ServingPlan, data)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ValueError, match="lacks the key 'output_tokens'"):
        from_dict(Workload, {"max_model_len": 1, "prompt_tokens": 1, "concurrent_requests": 1})


def test_only_parts_of_a_plan_are_written() -> None:
    with pytest.raises(TypeError):
        to_dict({"gpus": 1})
