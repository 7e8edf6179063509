"""The check before vLLM: each way around it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cdk_vllm import ecs_app
from tests.cdk_vllm.checks.changes import container, rules_after, saying, without_container

if TYPE_CHECKING:
    from collections.abc import Callable

TASK = "AWS::ECS::TaskDefinition"
FETCHED = "checked_files_stay_as_they_were"


def mount(path: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        for point in body["MountPoints"]:
            if point["ContainerPath"] == path:
                point.update(changes)

    return change


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("model_is_checked_first", without_container("prepare")),
        ("model_is_checked_first", container("vllm", lambda body: body.pop("DependsOn"))),
        ("model_is_checked_first", saying(TASK, '"SUCCESS"', '"START"')),
        ("check_is_the_image_s_own", container("prepare", lambda b: b.update(Essential=True))),
        ("check_is_the_image_s_own", container("prepare", lambda b: b.update(Image="other"))),
        ("checked_is_what_is_loaded", saying(TASK, '"--model", ', '"--download-to", ')),
        ("checked_is_what_is_loaded", saying(TASK, "/adapters/chat/legal/0a1b2c3d4e5f/", "/x/y/")),
        ("checked_is_what_is_loaded", saying(TASK, "/adapters/medical/3f2a", "/adapters/m/3f2a")),
        (FETCHED, container("vllm", mount("/adapters", ReadOnly=False))),
        (FETCHED, container("vllm", mount("/models", ReadOnly=False))),
        (FETCHED, container("vllm", mount("/models", SourceVolume="cache"))),
        (FETCHED, container("prepare", mount("/models", ReadOnly=True))),
        (FETCHED, container("prepare", lambda body: body.update(MountPoints=[]))),
    ],
)
def test_a_way_around_the_check_is_found(rule: str, change: Callable[[Any], None]) -> None:
    assert rule in rules_after(ecs_app.templates()["on-spot"], change)


def test_streamed_weights_are_the_ones_that_were_checked() -> None:
    other = saying(
        TASK, '"--model", {"Fn::Join": ["", ["s3://"', '"--model", {"Fn::Join": ["", ["x"'
    )
    assert "checked_is_what_is_loaded" in rules_after(ecs_app.templates()["canary"], other)
