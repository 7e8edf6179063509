"""An image for whoever has Docker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest

from cdk_vllm.constructs.image import LocallyBuiltImage
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping


def test_the_task_runs_the_content_hash_and_its_role_may_pull_it(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    resources = templates["others"]["Resources"]
    (task,) = (
        r
        for name, r in resources.items()
        if name.startswith("LocalTask") and r["Type"] == "AWS::ECS::TaskDefinition"
    )
    image = task["Properties"]["ContainerDefinitions"][0]["Image"]["Fn::Sub"]
    assert "cdk-hnb659fds-container-assets-" in image
    assert len(image.rsplit(":", 1)[1]) == 64
    (policy,) = (r for name, r in resources.items() if name.startswith("LocalRoleDefaultPolicy"))
    _, pull = policy["Properties"]["PolicyDocument"]["Statement"]
    assert "container-assets" in json.dumps(pull["Resource"])
    assert "ecr:BatchGetImage" in pull["Action"]


def test_the_cli_is_told_to_build_the_target_from_the_base_for_amd64(
    context: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    app = cdk.App(
        outdir=str(tmp_path_factory.mktemp("cdk.out")), builtin_cloud_formation_validation=False
    )
    stack = cdk.Stack(app, "stack")
    LocallyBuiltImage(
        stack, "Image", target="custom", directory=context, base_image="team/vllm:v0.34.0"
    )
    manifest = json.loads(Path(app.synth().directory, "stack.assets.json").read_text())
    (image,) = manifest["dockerImages"].values()
    assert image["source"]["dockerBuildTarget"] == "custom"
    assert image["source"]["dockerBuildArgs"] == {"BASE_IMAGE": "team/vllm:v0.34.0"}
    assert image["source"]["platform"] == "linux/amd64"


@pytest.mark.parametrize("image", ["vllm/vllm-openai:latest", "vllm/vllm-openai:v0.32.0"])
def test_an_unsafe_base_is_refused(image: str) -> None:
    with pytest.raises(InputError, match="base_image"):
        LocallyBuiltImage(cdk.Stack(), "Image", target="ecs", base_image=image)
