"""Every module has its tests where its path says, and every test has its module."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
# Where each tested folder's modules have their tests.
SOURCES = {
    ROOT / "src" / "cdk_vllm": TESTS / "cdk_vllm",
    ROOT / "stacks": TESTS / "stacks",
    ROOT / "tools": TESTS / "tools",
}


# Packages of many small siblings, tested through their package in `test_PACKAGE.py`.
TESTED_AS_A_WHOLE = {"checks", "constructs", "engine", "families", "fidelity"}


def modules(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob("*.py"))
        if path.name not in ("__init__.py", "__main__.py") and "__pycache__" not in path.parts
    ]


PAIRS = [
    (path, tests / path.relative_to(folder).with_name(f"test_{path.name}"))
    for folder, tests in SOURCES.items()
    for path in modules(folder)
]


@pytest.mark.parametrize(("module", "test"), PAIRS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_has_a_test_file(module: Path, test: Path) -> None:
    package = module.parent.name
    whole = package in TESTED_AS_A_WHOLE and test.with_name(f"test_{package}.py").is_file()
    assert test.is_file() or whole, test


def test_a_test_file_has_a_module() -> None:
    expected = {test for _, test in PAIRS}
    # A package is tested as a whole beside its modules, or one level above them.
    for folder, tests in SOURCES.items():
        for init in folder.rglob("__init__.py"):
            package = tests / init.parent.relative_to(folder)
            expected |= {package / f"test_{init.parent.name}.py", package / "test_init.py"}
            expected.add(package.with_name(f"test_{init.parent.name}.py"))
    strays = [
        str(path.relative_to(ROOT))
        for tests in SOURCES.values()
        for path in tests.rglob("test_*.py")
        if path not in expected
    ]
    assert not strays
