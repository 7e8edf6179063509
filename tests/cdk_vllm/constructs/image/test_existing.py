"""An image by its digest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.constructs.image import check_image_uri
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

DIGEST = "sha256:" + "a" * 64


def pulls(template: dict[str, Any], role: str) -> list[dict[str, Any]]:
    """Return what the task's execution role may do."""
    return [
        statement
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy" and name.startswith(role)
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
    ]


def test_the_task_runs_exactly_what_was_given(templates: Mapping[str, dict[str, Any]]) -> None:
    images = [
        resource["Properties"]["ContainerDefinitions"][0]["Image"]
        for resource in templates["others"]["Resources"].values()
        if resource["Type"] == "AWS::ECS::TaskDefinition"
    ]
    assert f"111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/vllm@{DIGEST}" in images
    assert f"public.ecr.aws/team/vllm@{DIGEST}" in images


def test_a_private_image_may_be_pulled_from_its_repository_alone(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    login, pull = pulls(templates["others"], "PrivateRole")
    assert (login["Action"], login["Resource"]) == ("ecr:GetAuthorizationToken", "*")
    assert json.dumps(pull["Resource"]).endswith(
        '":ecr:eu-west-1:111122223333:repository/team/vllm"]]}'
    )


def test_a_public_image_needs_no_permission(templates: Mapping[str, dict[str, Any]]) -> None:
    assert pulls(templates["others"], "PublicRole") == []


@pytest.mark.parametrize(
    "repository",
    [
        "vllm/vllm-openai",
        "vllm/vllm-openai:v0.33.0",
        "111122223333.dkr.ecr.us-east-1.amazonaws.com/vllm:v1",
    ],
)
def test_a_digest_is_enough_with_and_without_a_tag(repository: str) -> None:
    match = check_image_uri(f"{repository}@{DIGEST}")
    assert (match["repository"], match["digest"]) == (repository, DIGEST)


@pytest.mark.parametrize(
    "uri",
    ["vllm/vllm-openai", "vllm/vllm-openai:v0.33.0", f"vllm@{DIGEST[:-1]}", f"vllm@{DIGEST}0", ""],
)
def test_without_a_digest_an_image_is_refused(uri: str) -> None:
    with pytest.raises(InputError, match=r"does not name its bytes.*@sha256:<64 hex digits>"):
        check_image_uri(uri)


def test_latest_is_named_as_the_mistake() -> None:
    with pytest.raises(InputError, match=r'"vllm:latest" ends in :latest, which can be another'):
        check_image_uri("vllm:latest")
