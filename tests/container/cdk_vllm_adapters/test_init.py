"""How vLLM finds the plugin, and that it finds nothing to do where nobody asked for it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import cdk_vllm_adapters

CONTAINER = Path(cdk_vllm_adapters.__file__).parents[1]


def run(program: str, **environment: str) -> str:
    """Run a program as a process of vLLM finds the image: its files on PYTHONPATH."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", program],
        env={"PYTHONPATH": str(CONTAINER), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_vllm_finds_it_by_its_entry_point() -> None:
    (found,) = entry_points(group="vllm.general_plugins", name="cdk_vllm_adapters")
    assert found.load() is cdk_vllm_adapters.register


def test_it_is_found_on_the_path_of_the_image() -> None:
    program = (
        "from importlib.metadata import entry_points;"
        "print(entry_points(group='vllm.general_plugins')['cdk_vllm_adapters'].value)"
    )
    assert run(program) == "cdk_vllm_adapters:register"


@pytest.mark.parametrize("environment", [{}, {"CDK_VLLM_ADAPTERS_URI": ""}])
def test_without_an_address_it_does_nothing(environment: dict[str, str]) -> None:
    program = (
        "import sys, cdk_vllm_adapters; cdk_vllm_adapters.register();"
        "print(*{'vllm', 'boto3', 'cdk_vllm_store', 'concurrent.futures'} & set(sys.modules))"
    )
    assert run(program, **environment) == ""


def test_the_middleware_needs_neither_vllm_nor_boto3() -> None:
    program = (
        "import sys; from cdk_vllm_adapters import AllowList;"
        "print(AllowList.__name__, *{'vllm', 'boto3'} & set(sys.modules))"
    )
    assert run(program) == "AllowList"
