"""Who may import whom, and what an import may cost."""

from __future__ import annotations

import subprocess
import sys

import pytest
from importlinter.cli import lint_imports

HEAVY = ("aws_cdk", "jsii", "boto3", "moto", "pydantic", "torch", "rich")


def test_the_direction_of_dependencies(capsys: pytest.CaptureFixture[str]) -> None:
    code = lint_imports(no_cache=True)
    assert code == 0, capsys.readouterr().out


def loaded_by(statement: str) -> set[str]:
    """Return which of the heavy modules a fresh interpreter holds after a statement."""
    program = f"import sys; {statement}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import cdk_vllm.sizing", set()),
        ("import cdk_vllm.sizing; cdk_vllm.sizing.model_shape('Qwen/Qwen3-8B')", set()),
        ("import cdk_vllm.catalog", set()),
        ("import cdk_vllm.checks", set()),
        ("import cdk_vllm.constructs", set()),
        ("import cdk_vllm.embedded_aws", set()),
        ("import cdk_vllm.cli.plan", set()),
        ("import cdk_vllm.plan_file", {"pydantic"}),
        ("import cdk_vllm.cli.rehearse", {"rich"}),
    ],
)
def test_an_import_loads_only_what_it_needs(statement: str, allowed: set[str]) -> None:
    assert loaded_by(statement) <= allowed
