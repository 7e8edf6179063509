"""What the two images promise, read from their `Dockerfile`."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cdk_vllm.constructs.image.base_image import DEFAULT_BASE_IMAGE
from cdk_vllm.constructs.image.container_directory import CACHE_DIRECTORY

DOCKERFILE = Path(__file__).parents[2] / "container" / "Dockerfile"
PYTHON = sorted(DOCKERFILE.parent.rglob("*.py"))


def instructions() -> list[tuple[str, str, str]]:
    """Return (stage, instruction, argument) in order; before the first FROM the stage is empty."""
    lines = [
        line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")
    ]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    found, stage = [], ""
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, _, argument = line.partition(" ")
        if name == "FROM":
            stage = argument.split(" AS ")[1]
        found.append((stage, name, argument))
    return found


def of(stage: str, name: str) -> list[str]:
    return [argument for s, n, argument in instructions() if (s, n) == (stage, name)]


def environment() -> dict[str, str]:
    pairs = " ".join(of("hardened", "ENV")).split()
    return dict(pair.split("=", 1) for pair in pairs)


def test_the_image_says_which_base_it_is_made_from() -> None:
    assert of("hardened", "ARG") == ["BASE_IMAGE"]
    assert of("hardened", "LABEL") == ["org.opencontainers.image.base.name=${BASE_IMAGE}"]


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert found.stdout == ""
    assert found.returncode == 0


def test_both_images_come_from_one_hardened_stage_of_the_pinned_vllm() -> None:
    assert of("", "ARG") == [f"BASE_IMAGE={DEFAULT_BASE_IMAGE}"]
    froms = [argument for _, name, argument in instructions() if name == "FROM"]
    assert froms == ["${BASE_IMAGE} AS hardened", "hardened AS sagemaker", "hardened AS ecs"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VLLM_NO_USAGE_STATS", "1"),
        ("DO_NOT_TRACK", "1"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("HF_HUB_OFFLINE", "1"),
        ("TRANSFORMERS_OFFLINE", "1"),
        ("STANDARD_AUTO_INSTALL_REQ", "false"),
        ("SAGEMAKER_MODEL_PATH", "/nonexistent"),
        ("USER", "vllm"),
        ("LOGNAME", "vllm"),
        ("VLLM_MEDIA_URL_ALLOW_REDIRECTS", "0"),
        ("VLLM_PLUGINS", ""),
        ("PYTHONPATH", "/opt/cdk-vllm"),
    ],
)
def test_the_environment_is_set_whatever_starts_the_image(name: str, value: str) -> None:
    assert environment()[name] == value


def test_no_secret_is_in_the_image() -> None:
    assert not re.search(r"TOKEN|API_KEY|SECRET|PASSWORD", DOCKERFILE.read_text())


@pytest.mark.parametrize(
    "name",
    [
        "HOME",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "HF_HOME",
        "VLLM_CACHE_ROOT",
        "VLLM_CONFIG_ROOT",
        "VLLM_ASSETS_CACHE",
        "TORCHINDUCTOR_CACHE_DIR",
        "TRITON_CACHE_DIR",
        "CUDA_CACHE_PATH",
        "FLASHINFER_WORKSPACE_BASE",
        "NUMBA_CACHE_DIR",
    ],
)
def test_whatever_writes_writes_to_the_mounted_directory(name: str) -> None:
    assert Path(environment()[name]).is_relative_to(CACHE_DIRECTORY)


def test_the_mounted_directory_belongs_to_the_user_of_the_ecs_image_alone() -> None:
    (install,) = of("hardened", "RUN")
    assert json.loads(install)[1:] == [
        "--directory",
        "--owner=2000",
        "--group=0",
        "--mode=0770",
        CACHE_DIRECTORY,
    ]


def test_the_context_is_copied_once_and_nobody_may_write_it() -> None:
    assert of("hardened", "COPY") == ["--chmod=0555 . /opt/cdk-vllm/"]
    ignored = DOCKERFILE.with_name(".dockerignore").read_text().split("\n")
    assert {"**/__pycache__", "Dockerfile", ".dockerignore"} <= set(ignored)


def test_the_programs_lie_where_the_stacks_call_them() -> None:
    context = DOCKERFILE.parent
    for name in ("prepare.py", "entrypoint.sh", "cdk_vllm_adapters/__init__.py"):
        assert (context / name).is_file()


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.name)
def test_a_base_image_may_have_python_3_10(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 10))


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.name)
def test_a_module_is_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300


def test_ecs_starts_vllm_itself_without_root_and_without_code_of_ours() -> None:
    assert of("ecs", "USER") == ["2000:0"]
    assert json.loads(of("ecs", "ENTRYPOINT")[0]) == ["vllm", "serve"]
    assert of("ecs", "EXPOSE") == ["8000"]
    assert not [n for s, n, _ in instructions() if s == "ecs" and n in {"COPY", "ADD", "RUN"}]


def test_sagemaker_starts_our_entry_point_as_root_on_its_port() -> None:
    entrypoint = ["/bin/bash", "/opt/cdk-vllm/entrypoint.sh"]
    assert json.loads(of("sagemaker", "ENTRYPOINT")[0]) == entrypoint
    assert of("sagemaker", "COPY") == []
    assert of("sagemaker", "EXPOSE") == ["8080"]
    assert of("sagemaker", "USER") == of("hardened", "USER") == []
