from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_vllm.constructs.image.container_directory import container_directory
from cdk_vllm.constructs.image.request import check_directory, check_target
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("target", ["ecs", "sagemaker"])
def test_the_shipped_directory_has_two_targets(target: str) -> None:
    assert check_target(target, container_directory()) == target


def test_a_stage_of_ones_own_is_a_target(context: Path) -> None:
    assert check_target("custom", check_directory(context)) == "custom"


def test_a_mistyped_target_is_answered_with_the_nearest_stage() -> None:
    with pytest.raises(InputError, match=r'hardened, sagemaker, ecs\. Did you mean "sagemaker"\?'):
        check_target("sagemeker", container_directory())


def test_a_dockerfile_without_named_stages_says_so(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(InputError, match="its named stages are: none"):
        check_target("ecs", tmp_path)


@pytest.mark.parametrize("target", ["", "ECS", "a b", "x" * 33, "-x", "e;c"])
def test_a_target_must_be_able_to_begin_a_tag(target: str, context: Path) -> None:
    with pytest.raises(InputError, match="cannot begin an image tag"):
        check_target(target, context)


def test_a_directory_without_a_dockerfile_is_no_context(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f'"{tmp_path}" has no file "Dockerfile"'):
        check_directory(tmp_path)
