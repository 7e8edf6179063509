"""Small modules, small functions, no drawers: the tail is where code sprawls."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path
    for folder in ("src", "stacks", "tools")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)
DRAWERS = {"utils", "util", "helpers", "common", "constants", "base", "manager", "misc"}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_half_of_the_modules_are_short() -> None:
    assert statistics.median(lines(path) for path in MODULES) <= 120


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_and_no_function_is_long(path: Path) -> None:
    assert lines(path) <= 400
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 50, f"{node.name} has {length} lines"


def test_nothing_is_called_after_a_drawer() -> None:
    found = [str(p) for p in MODULES if {p.stem, *p.relative_to(ROOT).parts} & DRAWERS]
    assert not found


def test_constructs_take_at_most_seven_keyword_arguments() -> None:
    for path in (ROOT / "src" / "cdk_vllm" / "constructs").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                assert len(node.args.kwonlyargs) <= 7, f"{path.name}: {node.lineno}"
