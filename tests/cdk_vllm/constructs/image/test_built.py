"""A service's own request for an image."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest

from cdk_vllm.constructs.image import BuiltImage, ImageBuilder
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def request(template: dict[str, Any]) -> dict[str, Any]:
    (found,) = (
        r["Properties"]
        for r in template["Resources"].values()
        if r["Type"] == "Custom::VllmImageBuild"
    )
    assert isinstance(found, dict)
    return found


def task_and_role(template: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    resources = template["Resources"].values()
    (task,) = (r for r in resources if r["Type"] == "AWS::ECS::TaskDefinition")
    (policy,) = (r for r in resources if r["Type"] == "AWS::IAM::Policy")
    return task["Properties"], policy["Properties"]["PolicyDocument"]["Statement"]


def test_the_request_says_what_to_build_from_what(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    asked = request(templates["service"])
    assert asked["Target"] == "ecs"
    assert asked["BaseImage"] == "vllm/vllm-openai:v0.33.0"
    assert asked["SourceKey"] == f"{asked['ContextHash']}.zip"
    assert "assets" in json.dumps(asked["SourceBucket"])
    assert set(asked) == {
        "BaseImage",
        "ContextHash",
        "ProjectName",
        "RepositoryName",
        "RepositoryUri",
        "ServiceTimeout",
        "ServiceToken",
        "SourceBucket",
        "SourceKey",
        "Target",
    }


def test_cloudformation_waits_an_hour_and_longer_than_any_build(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    assert request(templates["service"])["ServiceTimeout"] == "3600"


def test_only_names_that_never_change_are_imported(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    exported = [output["Value"] for output in templates["foundation"]["Outputs"].values()]
    kinds = sorted(
        templates["foundation"]["Resources"][value.get("Ref") or value["Fn::GetAtt"][0]]["Type"]
        for value in exported
    )
    assert kinds == [
        "AWS::CodeBuild::Project",
        "AWS::ECR::Repository",
        "AWS::ECR::Repository",
        "AWS::Lambda::Function",
    ]


def test_the_task_runs_the_digest_and_its_role_may_pull_it(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    task, (login, pull) = task_and_role(templates["service"])
    uri = task["ContainerDefinitions"][0]["Image"]["Fn::GetAtt"]
    assert uri[1] == "ImageUri"
    assert templates["service"]["Resources"][uri[0]]["Type"] == "Custom::VllmImageBuild"
    assert (login["Action"], login["Resource"]) == ("ecr:GetAuthorizationToken", "*")
    assert pull["Action"] == [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ]
    assert "Fn::ImportValue" in pull["Resource"]


def test_a_directory_and_a_base_image_of_ones_own(
    context: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    app = cdk.App(
        outdir=str(tmp_path_factory.mktemp("cdk.out")), builtin_cloud_formation_validation=False
    )
    stack = cdk.Stack(app, "stack")
    image = BuiltImage(
        stack,
        "Image",
        builder=ImageBuilder(stack, "Images"),
        target="custom",
        directory=context,
        base_image="public.ecr.aws/team/vllm:v0.34.1",
    )
    asked = request(app.synth().get_stack_by_name("stack").template)
    assert (asked["Target"], asked["BaseImage"]) == ("custom", "public.ecr.aws/team/vllm:v0.34.1")
    digests = [stack.resolve(value) for value in (image.image_digest, image.base_image_digest)]
    assert [value["Fn::GetAtt"][1] for value in digests] == ["ImageDigest", "BaseImageDigest"]


def test_an_old_vllm_is_refused() -> None:
    stack = cdk.Stack()
    builder = ImageBuilder(stack, "Images")
    with pytest.raises(InputError, match=r"use v0\.33\.0"):
        BuiltImage(
            stack, "Image", builder=builder, target="ecs", base_image="vllm/vllm-openai:v0.14.0"
        )


def test_assets_in_a_bucket_the_builder_cannot_read_are_refused() -> None:
    builder = ImageBuilder(cdk.Stack(), "Images")
    elsewhere = cdk.Stack(synthesizer=cdk.DefaultStackSynthesizer(qualifier="other"))
    with pytest.raises(InputError, match=r"cdk-other-assets.*builder reads.*cdk-hnb659fds-assets"):
        BuiltImage(elsewhere, "Image", builder=builder, target="ecs")
