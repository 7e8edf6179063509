from __future__ import annotations

import shutil
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr_assets as ecr_assets

from cdk_vllm.constructs.image import BuiltImage, ImageBuilder, LocallyBuiltImage
from cdk_vllm.constructs.image.container_directory import container_directory
from cdk_vllm.errors import InputError

ROOT = Path(__file__).parents[4]


def wheel(folder: Path) -> Path:
    """Return the package directory of an installed wheel."""
    package = folder / "lib" / "site-packages" / "cdk_vllm"
    (package / "_container").mkdir(parents=True)
    (package / "_container" / "Dockerfile").touch()
    return package


def test_a_checkout_has_it_at_its_root() -> None:
    assert container_directory() == ROOT / "container"


def test_an_installed_wheel_carries_it(tmp_path: Path) -> None:
    package = wheel(tmp_path)
    assert container_directory(package) == package / "_container"


def test_a_folder_that_only_has_the_name_is_not_it(tmp_path: Path) -> None:
    package = wheel(tmp_path)
    (package / "_container" / "Dockerfile").unlink()
    with pytest.raises(InputError, match="install cdk-vllm again, or give your own `directory`"):
        container_directory(package)


def hashes(directory: Path) -> set[str]:
    """Return what an image built from a directory is known by, in AWS and here."""
    stack = cdk.Stack(cdk.App(), "Stack")
    builder = ImageBuilder(stack, "Images")
    BuiltImage(stack, "Built", builder=builder, target="ecs", directory=directory)
    local = LocallyBuiltImage(stack, "Local", target="ecs", directory=directory)
    asset = local.node.find_child("Asset")
    assert isinstance(asset, ecr_assets.DockerImageAsset)
    (request,) = (
        resource["Properties"]["ContextHash"]
        for resource in cdk.assertions.Template.from_stack(stack).to_json()["Resources"].values()
        if resource["Type"] == "Custom::VllmImageBuild"
    )
    return {asset.asset_hash, request}


def test_what_python_leaves_behind_builds_no_other_image(tmp_path: Path) -> None:
    clean, used = tmp_path / "clean", tmp_path / "used"
    for copy in (clean, used):
        shutil.copytree(container_directory(), copy, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in (used, used / "cdk_vllm_store"):
        (folder / "__pycache__").mkdir()
        (folder / "__pycache__" / "prepare.cpython-311.pyc").write_bytes(b"compiled")
    assert hashes(used) == hashes(clean)
    (used / "prepare.py").write_text("changed")
    assert not hashes(used) & hashes(clean)
