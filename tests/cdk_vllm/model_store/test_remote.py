"""Following a build page by page; the command around it is in `cli/test_push_remote.py`."""

from __future__ import annotations

import time

import boto3
import pytest
from moto import mock_aws

from cdk_vllm.embedded_aws import install
from cdk_vllm.errors import CdkVllmError
from cdk_vllm.model_store.remote import Line, follow, start

REGION = "us-east-1"


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    return "push-models"


@mock_aws
def test_more_lines_than_a_page_holds_are_all_seen_in_order(project: str) -> None:
    install()
    codebuild = boto3.client("codebuild", region_name=REGION)
    logs = boto3.client("logs", region_name=REGION)
    codebuild.create_project(
        name=project,
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole="arn:aws:iam::123456789012:role/push",
        logsConfig={"cloudWatchLogs": {"status": "ENABLED", "groupName": "push"}},
    )
    build_id = start(codebuild, project, "org/name", "main")
    stream = build_id.rpartition(":")[2]
    logs.create_log_group(logGroupName="push")
    logs.create_log_stream(logGroupName="push", logStreamName=stream)
    now = int(time.time() * 1000)
    said = [f"line {i}" for i in range(10_500)]
    for begin in range(0, len(said), 1000):
        logs.put_log_events(
            logGroupName="push",
            logStreamName=stream,
            logEvents=[
                {"timestamp": now + begin, "message": x} for x in said[begin : begin + 1000]
            ],
        )
    seen = list(follow(codebuild, logs, build_id, poll_seconds=0))
    assert seen[0] == Line("completed", "")
    assert [line.text for line in seen if line.text] == said


@mock_aws
def test_a_build_that_is_not_there_is_told(project: str) -> None:
    codebuild = boto3.client("codebuild", region_name=REGION)
    logs = boto3.client("logs", region_name=REGION)
    with pytest.raises(CdkVllmError, match="no longer knows"):
        list(follow(codebuild, logs, f"{project}:1", poll_seconds=0))
