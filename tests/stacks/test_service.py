"""What both kinds of stack do alike: images, tags, outputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template as Assert

from app import add_environment
from cdk_vllm import environment_file, plan_file, planning
from cdk_vllm.errors import PlanError
from stacks import service

if TYPE_CHECKING:
    from cdk_vllm.sizing import ServingPlan

Template = dict[str, Any]
DIGEST = "sha256:" + "a" * 64
DEV = Path(__file__).parents[2] / "environments" / "dev.toml"


def chat(app: cdk.App, folder: Path, image: str) -> Assert:
    """Return the template of a service with an image table of its own."""
    text = DEV.read_text().replace("[services.chat.engine]", f"{image}\n[services.chat.engine]")
    path = folder / "dev.toml"
    path.write_text(text)
    environment = environment_file.load(path)
    plan_file.write(environment, planning.plan(environment))
    add_environment(app, path)
    stack = app.node.find_child("dev").node.find_child("chat")
    assert isinstance(stack, cdk.Stack)
    return Assert.from_stack(stack)


def container(template: Assert) -> Any:
    (task,) = template.find_resources("AWS::ECS::TaskDefinition").values()
    return task["Properties"]["ContainerDefinitions"][0]


def test_an_image_by_digest_is_not_built(app: cdk.App, tmp_path: Path) -> None:
    uri = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm@{DIGEST}"
    table = f'[services.chat.image]\nuri = "{uri}"\nvllm_version = "0.33.0"'
    template = chat(app, tmp_path, table)
    assert container(template)["Image"] == uri
    template.resource_count_is("Custom::VllmImageBuild", 0)


def test_docker_builds_where_the_file_says_so(app: cdk.App, tmp_path: Path) -> None:
    template = chat(app, tmp_path, '[services.chat.image]\nbuild = "docker"')
    template.resource_count_is("Custom::VllmImageBuild", 0)
    assert "cdk-hnb659fds-container-assets" in str(container(template)["Image"])


def test_the_plans_vllm_is_built_where_the_file_names_none(app: cdk.App, tmp_path: Path) -> None:
    template = chat(app, tmp_path, "")
    template.has_resource_properties(
        "Custom::VllmImageBuild", {"BaseImage": "vllm/vllm-openai:v0.33.0", "Target": "ecs"}
    )


def test_an_environment_without_a_plan_is_refused(app: cdk.App, tmp_path: Path) -> None:
    path = tmp_path / "dev.toml"
    path.write_text(DEV.read_text())
    with pytest.raises(PlanError, match="run: cdk-vllm plan"):
        add_environment(app, path)


@pytest.mark.parametrize(
    ("usd", "said"),
    [(2.24, "4.48 (listed, 2026-11-01)"), (None, "unknown: nobody told us")],
)
def test_the_price_of_the_fewest_replicas_is_said(
    stack: cdk.Stack, ecs_plan: ServingPlan, usd: float | None, said: str
) -> None:
    plan = replace(
        ecs_plan,
        usd_per_hour=usd,
        price_source=replace(ecs_plan.price_source, reason="nobody told us"),
        request=replace(ecs_plan.request, min_replicas=2),
    )
    service.describe(stack, plan)
    outputs = Assert.from_stack(stack).to_json()["Outputs"]
    assert outputs["UsdPerHour"]["Value"] == said
