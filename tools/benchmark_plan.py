"""Times the plan of a model against the whole catalogue, and the commands as whole processes.

    python tools/benchmark_plan.py [--runs 5] [MODEL_OR_CONFIG ...]

Every plan is made by a fresh interpreter, so that nothing is remembered from the one before; what
it takes to import the package is not counted. Ends with 1 where a median is above its budget.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "tests" / "tools" / "measured" / "configs"
PLAN_MS = 50.0
PROCESS_MS = 500.0
MODELS = (
    "Qwen/Qwen3-8B",
    "Qwen/Qwen3-30B-A3B",
    "meta-llama/Llama-3.1-405B",
    str(CONFIGS / "moonshotai__Kimi-K2.5.json"),
    str(CONFIGS / "nvidia__MiniMax-M2.5-NVFP4.json"),
)
# A plan, timed where it is made.
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
COMMANDS = (
    ("plan", "--model", "Qwen/Qwen3-8B", "--json"),
    ("plan", "--model", "Qwen/Qwen3-8B"),
    ("memory", "Qwen/Qwen3-8B", "--gpu", "L40S", "--json"),
)


@dataclass
class Row:
    """What is timed, the milliseconds it may take, and those it took."""

    label: str
    budget_ms: float
    arguments: tuple[str, ...]
    inside: bool
    milliseconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median of the milliseconds."""
        return statistics.median(self.milliseconds)

    @property
    def line(self) -> str:
        """A line of the table."""
        verdict = "" if self.median <= self.budget_ms else f"  above {self.budget_ms:g}"
        return f"{self.label:<52} {self.median:7.1f} ms{verdict}"


def rows(models: list[str]) -> list[Row]:
    """Return a row for each model's plan, and one for each command."""
    plans = [
        Row(f"plan of {Path(m).stem if m.endswith('.json') else m}", PLAN_MS,
            ("-c", PROGRAM, m), inside=True)
        for m in models
    ]  # fmt: skip
    commands = [
        Row(f"cdk-vllm {' '.join(words)}", PROCESS_MS, ("-m", "cdk_vllm", *words), inside=False)
        for words in COMMANDS
    ]
    return plans + commands


def timed(row: Row) -> float:
    """Run a row once and return its milliseconds; a failure ends the benchmark."""
    begun = time.perf_counter()
    command = [sys.executable, *row.arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    whole = time.perf_counter() - begun
    return 1000 * (float(done.stdout) if row.inside else whole)


def main(arguments: list[str] | None = None) -> int:
    """Time every row in turn, print the medians, and say whether all are within their budgets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("models", nargs="*", metavar="MODEL_OR_CONFIG")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args(arguments)
    table = rows(given.models or list(MODELS))
    for _ in range(given.runs):
        for row in table:
            row.milliseconds.append(timed(row))
    for row in table:
        print(row.line)
    return int(any(row.median > row.budget_ms for row in table))


if __name__ == "__main__":
    raise SystemExit(main())
