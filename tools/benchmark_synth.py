"""Times the synth of one environment, with and without template validation, beside another app.

    python tools/benchmark_synth.py [--environment dev] [--beside path/to/app.py] [--runs 3]

Machines are shared and noisy, so the rows take turns: a ratio is of one run, not of two days.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass
class Row:
    """One command, and the wall seconds of its runs."""

    label: str
    script: Path
    validation: bool
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median of the wall seconds."""
        return statistics.median(self.seconds)


def rows(beside: Path | None) -> list[Row]:
    """Return what is timed: our app, and the other if there is one, each in both ways."""
    scripts = [("app.py", ROOT / "app.py")]
    if beside is not None:
        scripts.append((beside.name, beside.resolve()))
    return [
        Row(f"{name}, validation {'on' if on else 'off'}", script, on)
        for name, script in scripts
        for on in (True, False)
    ]


def timed(row: Row, environment: str) -> float:
    """Run a row once and return its wall seconds; a failure ends the benchmark."""
    with tempfile.TemporaryDirectory() as output:
        variables = {
            **os.environ,
            "CDK_OUTDIR": output,
            "CDK_CONTEXT_JSON": f'{{"environments": "environments/{environment}.toml"}}',
            "CDK_VALIDATION": "true" if row.validation else "false",
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        }
        begun = time.perf_counter()
        command = [sys.executable, str(row.script)]
        subprocess.run(command, cwd=ROOT, env=variables, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begun


def main() -> None:
    """Time every row in turn and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environment", default="dev")
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    table = rows(arguments.beside)
    for run in range(arguments.runs + 1):
        for row in table:
            seconds = timed(row, arguments.environment)
            if run:  # the first round warms caches
                row.seconds.append(seconds)
    for row in table:
        print(f"{row.label:<36} {row.median:6.2f} s   of {[round(s, 2) for s in row.seconds]}")


if __name__ == "__main__":
    main()
