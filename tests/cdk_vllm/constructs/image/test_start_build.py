"""The starter's code, run against CodeBuild as moto has it and a CloudFormation that listens."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from cdk_vllm.constructs.image.start_build import handler

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = "images"
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/chat/1"
PROPERTIES = {
    "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:starter",
    "BaseImage": "vllm/vllm-openai:v0.33.0",
    "ContextHash": "c0ffee",
    "ProjectName": PROJECT,
    "RepositoryName": "images",
    "RepositoryUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/images",
    "SourceBucket": "assets",
    "SourceKey": "c0ffee.zip",
    "Target": "ecs",
}


class CloudFormation(BaseHTTPRequestHandler):
    """Keeps every answer it is given."""

    answers: list[dict[str, Any]]
    content_types: list[str | None]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answers.append(json.loads(body))
        self.content_types.append(self.headers["Content-Type"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def cloudformation() -> Iterator[tuple[str, type[CloudFormation]]]:
    class Listening(CloudFormation):
        answers: list[dict[str, Any]] = []  # noqa: RUF012
        content_types: list[str | None] = []  # noqa: RUF012

    server = HTTPServer(("127.0.0.1", 0), Listening)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/answer", Listening
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """The parameters of every build that was started."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    asked: list[dict[str, Any]] = []
    with mock_aws():
        session = boto3.Session()
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
        session.client("codebuild").create_project(
            name=PROJECT,
            source={"type": "S3", "location": "assets/c0ffee.zip"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_LARGE",
            },
            serviceRole="arn:aws:iam::123456789012:role/service-role/builds",
        )
        session.events.register(
            "before-parameter-build.codebuild.StartBuild",
            lambda params, **_: asked.append(params),
        )
        yield asked


def event(kind: str, url: str, **changed: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "RequestType": kind,
        "RequestId": "request-1",
        "StackId": STACK,
        "LogicalResourceId": "ImageBuild",
        "ResponseURL": url,
        "ResourceProperties": PROPERTIES | changed,
    }
    if kind != "Create":
        found["PhysicalResourceId"] = "images:ecs-old"
    return found


def variables(build: dict[str, Any]) -> dict[str, str]:
    return {v["name"]: v["value"] for v in build["environmentVariablesOverride"]}


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_request_starts_a_build_that_will_answer(
    kind: str,
    builds: list[dict[str, Any]],
    cloudformation: tuple[str, type[CloudFormation]],
) -> None:
    url, listening = cloudformation
    handler(event(kind, url), None)
    (build,) = builds
    assert build["projectName"] == PROJECT
    assert build["idempotencyToken"] == "request-1"
    given = variables(build)
    tag = given["IMAGE_TAG"]
    assert given == {
        "BASE_IMAGE": "vllm/vllm-openai:v0.33.0",
        "TARGET": "ecs",
        "SOURCE_BUCKET": "assets",
        "SOURCE_KEY": "c0ffee.zip",
        "IMAGE_TAG": tag,
        "PHYSICAL_RESOURCE_ID": f"images:{tag}",
        "LOGICAL_RESOURCE_ID": "ImageBuild",
        "REQUEST_ID": "request-1",
        "STACK_ID": STACK,
        "RESPONSE_URL": url,
    }
    assert tag.startswith("ecs-")
    assert listening.answers == [], "the build answers, when it is done"


def test_the_tag_names_the_request_and_nothing_else(
    builds: list[dict[str, Any]], cloudformation: tuple[str, type[CloudFormation]]
) -> None:
    url, _ = cloudformation
    for changed in (
        {},
        {"SourceBucket": "elsewhere"},
        {"ContextHash": "decaf"},
        {"BaseImage": "vllm/vllm-openai:v0.34.0"},
        {"Target": "sagemaker"},
    ):
        handler(event("Create", url, **changed), None)
    first, again, *others = [variables(build)["IMAGE_TAG"] for build in builds]
    assert first == again
    assert len({first, *others}) == 4


def test_delete_answers_at_once_and_leaves_the_image(
    builds: list[dict[str, Any]], cloudformation: tuple[str, type[CloudFormation]]
) -> None:
    url, listening = cloudformation
    handler(event("Delete", url), None)
    assert builds == []
    (answer,) = listening.answers
    assert answer == {
        "Status": "SUCCESS",
        "Reason": "Images stay, for rollback.",
        "PhysicalResourceId": "images:ecs-old",
        "StackId": STACK,
        "RequestId": "request-1",
        "LogicalResourceId": "ImageBuild",
    }
    assert listening.content_types == [""], "the address is signed without a content type"


@pytest.mark.parametrize(
    ("kind", "name"), [("Create", "not-started"), ("Update", "images:ecs-old")]
)
def test_a_build_that_cannot_start_is_answered_with_the_reason(
    kind: str,
    name: str,
    builds: list[dict[str, Any]],
    cloudformation: tuple[str, type[CloudFormation]],
) -> None:
    url, listening = cloudformation
    handler(event(kind, url, ProjectName="gone"), None)
    (answer,) = listening.answers
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == name
    assert "The image build did not start" in answer["Reason"]
    assert "gone" in answer["Reason"]


def test_a_request_that_lacks_a_property_is_answered(
    builds: list[dict[str, Any]], cloudformation: tuple[str, type[CloudFormation]]
) -> None:
    url, listening = cloudformation
    asked = event("Create", url)
    asked["ResourceProperties"] = {"ProjectName": PROJECT}
    handler(asked, None)
    assert [answer["Status"] for answer in listening.answers] == ["FAILED"]
    assert builds == []
