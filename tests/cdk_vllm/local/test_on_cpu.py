"""What is replaced for a CPU, and that nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_vllm import catalog
from cdk_vllm.constructs.vllm_container import ecs_command
from cdk_vllm.local.on_cpu import AT_MOST, TAKEN_OUT, TAKEN_OUT_FLAGS, on_cpu, variables

if TYPE_CHECKING:
    from cdk_vllm.sizing import ServingPlan

OWN = [
    *("--kv-cache-memory-bytes", "1024", "--enforce-eager"),
    *("--host", "127.0.0.1", "--port", "8123"),
]


def changed(*words: str) -> list[str]:
    """Return the words between the model and what is always added."""
    found = on_cpu(["serve", "s3://bucket/models/a/", *words], 8123, 1024)
    assert found[:2] == ["serve", "s3://bucket/models/a/"]
    assert found[-len(OWN) :] == OWN
    return found[2 : -len(OWN)]


@pytest.mark.parametrize("name", sorted(TAKEN_OUT))
def test_what_only_a_gpu_has_goes_with_its_value(name: str) -> None:
    assert changed(f"--{name}", "2", "--seed", "1") == ["--seed", "1"]
    assert changed(f"--{name}=2", "--seed=1") == ["--seed=1"]


@pytest.mark.parametrize("name", sorted(TAKEN_OUT_FLAGS))
def test_a_flag_goes_alone(name: str) -> None:
    assert changed(f"--{name}", "--seed", "1") == ["--seed", "1"]


def test_lengths_are_cut_and_short_ones_kept() -> None:
    assert changed("--max-model-len", "131072") == ["--max-model-len", "4096"]
    assert changed("--max-model-len=131072") == ["--max-model-len", "4096"]
    assert changed("--max-num-seqs", "8") == ["--max-num-seqs", "8"]


def test_one_step_holds_a_whole_prompt_and_every_sequence() -> None:
    assert AT_MOST["max-num-batched-tokens"] >= AT_MOST["max-model-len"]
    assert AT_MOST["max-num-batched-tokens"] >= AT_MOST["max-num-seqs"]


def test_of_a_plans_words_only_the_lengths_and_the_memory_change(ecs_plan: ServingPlan) -> None:
    uri, *words = ecs_command(ecs_plan, "s3://bucket/models/a/")
    assert uri == "s3://bucket/models/a/"
    kept = changed(*words)
    gone = ["--tensor-parallel-size", "1", "--gpu-memory-utilization", "0.92", "16384"]
    assert sorted([*kept, *gone]) == sorted([*words, "4096"])


def test_every_replaced_option_is_one_of_vllms() -> None:
    known = {option.flag for option in catalog.engine_options().values()}
    replaced = {f"--{name}" for name in {*TAKEN_OUT, *TAKEN_OUT_FLAGS, *AT_MOST}}
    assert replaced - known <= {"--host", "--port"}


@pytest.mark.parametrize(("cpus", "threads"), [(1, "1"), (2, "1"), (16, "15")])
def test_two_engines_share_the_machine(cpus: int, threads: str) -> None:
    assert variables(cpus, "/a/folder") == {
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": threads,
        "VLLM_RPC_BASE_PATH": "/a/folder",
    }
