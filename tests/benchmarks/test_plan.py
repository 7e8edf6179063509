"""How long a plan against the whole catalogue takes, and the commands as whole processes.

Every plan is made by a fresh interpreter, so that nothing is remembered from the one before; its
own clock leaves the import of the package and the reading of the config out of account.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PLAN_SECONDS = 0.05
PROCESS_SECONDS = 0.5
ROUNDS = 7
SMALL = ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-8B", "meta-llama/Llama-3.1-8B")
# Of the catalogue's models those that take longest: many layers, and long lists of modules that
# are not quantized.
SLOWEST = (
    "nvidia/GLM-5-NVFP4",
    "nvidia/GLM-5.1-NVFP4",
    "nvidia/GLM-5.2-NVFP4",
    "zai-org/GLM-5.1-FP8",
    "nvidia/Gemma-4-31B-IT-NVFP4",
    "nvidia/Kimi-K2.6-NVFP4",
    "nvidia/Kimi-K2.7-Code-NVFP4",
    "nvidia/DeepSeek-V3.2-NVFP4",
    "nvidia/Qwen3.5-397B-A17B-NVFP4",
    "nvidia/Qwen3-235B-A22B-NVFP4",
)
COMMANDS = (
    ("plan", "--model", "Qwen/Qwen3-8B", "--json"),
    ("plan", "--model", "nvidia/GLM-5-NVFP4", "--json"),
    ("memory", "Qwen/Qwen3-8B", "--gpu", "L40S", "--json"),
)
PROGRAM = """
import sys, time
from cdk_vllm.sizing import ServingRequest, Workload, choose
from cdk_vllm.sizing.config_file import shape_of
shape = shape_of(sys.argv[1])
length = min(16384, shape.max_position_embeddings)
load = Workload(max_model_len=length, prompt_tokens=length // 8, output_tokens=length // 32,
                concurrent_requests=16)
request = ServingRequest(service="b", backend="ecs", region="us-east-1", model="b", revision="b",
                         shape=shape, workload=load)
begun = time.perf_counter()
choose(request)
print(time.perf_counter() - begun)
"""


class Clock:
    """Shows the seconds that fresh interpreters have spent on their plans, and nothing else."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def plan(self, model: str) -> None:
        self.seconds += float(output_of("-c", PROGRAM, model))


CLOCK = Clock()


def output_of(*arguments: str) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("model", SMALL + SLOWEST)
@pytest.mark.benchmark(group="a plan, in its process", timer=CLOCK)
def test_plan(benchmark: Any, model: str) -> None:
    benchmark.pedantic(CLOCK.plan, args=(model,), rounds=ROUNDS)
    assert 0 < benchmark.stats.stats.median < PLAN_SECONDS


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.benchmark(group="a command, as a whole process")
def test_command(benchmark: Any, words: tuple[str, ...]) -> None:
    arguments = ("-m", "cdk_vllm", *words)
    said = benchmark.pedantic(output_of, args=arguments, rounds=ROUNDS)
    assert json.loads(said)
    assert benchmark.stats.stats.median < PROCESS_SECONDS
