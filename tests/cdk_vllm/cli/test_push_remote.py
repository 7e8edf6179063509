"""`cdk-vllm push --remote`: a build in AWS is started, followed, and can be left alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from click.testing import CliRunner
from moto.codebuild.models import CodeBuildBackend

from cdk_vllm.cli.push import command
from cdk_vllm.errors import CdkVllmError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result
    from mypy_boto3_s3 import S3Client

REGION = "eu-central-1"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
DONE = f"cdk-vllm: s3://models/models/Qwen/Qwen3-8B/{COMMIT}/: 2 files sent, 0 kept"
TEXT = """
region = "eu-central-1"
[services.chat]
backend = "ecs"
model = "Qwen/Qwen3-8B"
revision = "main"
max_model_len = 4096
insecure_http = true
"""


class Machine:
    """Plays CodeBuild's machine: at every look at the build it is one step further."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.steps: list[tuple[str, str, list[str]]] = []
        self.phases: list[dict[str, Any]] = []
        patch.setattr(CodeBuildBackend, "batch_get_builds", self.look)
        patch.setattr(time, "sleep", lambda _: None)

    def look(self, backend: CodeBuildBackend, ids: list[str]) -> list[dict[str, Any]]:
        (build,) = (
            build
            for builds in backend.build_metadata_history.values()
            for build in builds
            if build["id"] in ids
        )
        status, phase, lines = self.steps.pop(0)
        build |= {"buildStatus": status, "currentPhase": phase, "phases": self.phases}
        place = {name: build["logs"][name] for name in ("groupName", "streamName")}
        logs = boto3.client("logs", region_name=REGION)
        if lines:
            events: Any = [
                {"timestamp": int(time.time() * 1000), "message": f"{x}\n"} for x in lines
            ]
            names = {"logGroupName": place["groupName"], "logStreamName": place["streamName"]}
            logs.put_log_events(logEvents=events, **names)
        return [build]


@pytest.fixture
def machine(store: S3Client, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Make the foundation's project and its log."""
    boto3.client("codebuild", region_name=REGION).create_project(
        name="push-models",
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_LARGE",
            "environmentVariables": [
                {"name": "MODEL", "value": "", "type": "PLAINTEXT"},
                {"name": "HF_TOKEN", "value": "hub-token", "type": "SECRETS_MANAGER"},
            ],
        },
        serviceRole="arn:aws:iam::123456789012:role/push",
        logsConfig={"cloudWatchLogs": {"status": "ENABLED", "groupName": "push"}},
    )
    logs = boto3.client("logs", region_name=REGION)
    logs.create_log_group(logGroupName="push")
    played = Machine(monkeypatch)
    look = played.look

    def with_stream(backend: CodeBuildBackend, ids: list[str]) -> list[dict[str, Any]]:
        stream = ids[0].rpartition(":")[2]
        found = logs.describe_log_streams(logGroupName="push")["logStreams"]
        if played.steps[0][1] != "QUEUED" and stream not in [s["logStreamName"] for s in found]:
            logs.create_log_stream(logGroupName="push", logStreamName=stream)
        return look(backend, ids)

    monkeypatch.setattr(CodeBuildBackend, "batch_get_builds", with_stream)
    return played


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "dev.toml"
    found.write_text(TEXT, encoding="utf-8")
    return found


def push(*words: str | Path) -> Result:
    result = CliRunner().invoke(command, [str(word) for word in words])
    if isinstance(result.exception, Exception):
        raise result.exception
    return result


def variables() -> dict[str, dict[str, str]]:
    codebuild: Any = boto3.client("codebuild", region_name=REGION)
    (build_id,) = codebuild.list_builds()["ids"]
    (build,) = codebuild.batch_get_builds(ids=[build_id])["builds"]
    return {v["name"]: v for v in build["environment"]["environmentVariables"]}


def test_the_log_is_shown_and_the_commit_is_told(machine: Machine, path: Path) -> None:
    machine.steps = [
        ("IN_PROGRESS", "QUEUED", []),
        ("IN_PROGRESS", "BUILD", ["[Container] Phase BUILD", "1/2 config.json (0.00 GB) sent"]),
        ("IN_PROGRESS", "BUILD", []),
        ("SUCCEEDED", "COMPLETED", ["2/2 model.safetensors (16.00 GB) sent", DONE]),
        ("SUCCEEDED", "COMPLETED", []),
    ]
    done = push(path, "chat", "--remote")
    shown = done.stderr.splitlines()
    assert [line for line in shown if line.startswith(("1/2", "2/2", "cdk-vllm:"))] == [
        "1/2 config.json (0.00 GB) sent",
        "2/2 model.safetensors (16.00 GB) sent",
        DONE,
    ]
    assert f'revision = "{COMMIT}"' in done.stdout.splitlines()
    given = variables()
    assert given["MODEL"]["value"] == "Qwen/Qwen3-8B"
    assert given["REVISION"]["value"] == "main"
    assert given["HF_TOKEN"] == {
        "name": "HF_TOKEN",
        "value": "hub-token",
        "type": "SECRETS_MANAGER",
    }


def test_the_commit_is_written_on_demand(machine: Machine, path: Path) -> None:
    machine.steps = [("SUCCEEDED", "COMPLETED", [DONE])]
    push(path, "--remote", "--write")
    assert f'revision = "{COMMIT}"' in path.read_text(encoding="utf-8")


def test_a_failure_is_the_jobs_last_sentence(machine: Machine, path: Path) -> None:
    machine.steps = [
        ("FAILED", "COMPLETED", ["cdk-vllm: org/name needs a token", "[Container] exit status 1"])
    ]
    with pytest.raises(CdkVllmError, match=r"^org/name needs a token$"):
        push(path, "chat", "--remote")


@pytest.mark.parametrize(
    ("status", "phases", "sentence"),
    [
        ("TIMED_OUT", [], "the push ended with TIMED_OUT: its log says no more; what arrived is"),
        ("STOPPED", [], "the push was stopped; what arrived is kept"),
        (
            "FAULT",
            [
                {
                    "phaseType": "PROVISIONING",
                    "phaseStatus": "FAULT",
                    "contexts": [{"statusCode": "X", "message": "no\nmachine"}],
                }
            ],
            "ended with FAULT: no machine; what arrived is kept",
        ),
    ],
)
def test_an_end_without_a_sentence_is_explained(
    machine: Machine, path: Path, status: str, phases: list[dict[str, Any]], sentence: str
) -> None:
    machine.steps, machine.phases = [(status, "COMPLETED", ["[Container] bye"])], phases
    with pytest.raises(CdkVllmError, match=sentence):
        push(path, "chat", "--remote")


def test_left_alone_it_says_how_to_follow_and_how_to_stop(
    machine: Machine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.steps = [("IN_PROGRESS", "BUILD", ["1/2 config.json (0.00 GB) sent"])]

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    result = CliRunner().invoke(command, [str(path), "chat", "--remote"])
    assert result.exit_code != 0
    said = result.stderr
    assert "The push goes on in AWS." in said
    build_id = said.partition("--follow ")[2].partition(";")[0]
    assert f"aws codebuild stop-build --region {REGION} --id {build_id}" in said
    machine.steps = [("SUCCEEDED", "COMPLETED", [DONE])]
    assert push(path, "--follow", build_id).stdout.splitlines() == [f'revision = "{COMMIT}"']


def test_a_directory_cannot_be_pushed_from_aws(
    machine: Machine, path: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="is on this machine, where AWS cannot reach it"):
        push(path, tmp_path, "--remote")


def test_a_build_that_codebuild_forgot_is_told(store: S3Client, path: Path) -> None:
    with pytest.raises(CdkVllmError, match="no longer knows the build push-models:1"):
        push(path, "--follow", "push-models:1")
