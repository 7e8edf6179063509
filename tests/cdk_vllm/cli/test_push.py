"""`cdk-vllm push`: into the bucket of the environment's own foundation, or one sentence why not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import boto3
import pytest
from click.testing import CliRunner

from cdk_vllm.cli.push import command
from cdk_vllm.embedded_aws import install
from cdk_vllm.embedded_aws.server import EmbeddedAws
from cdk_vllm.embedded_aws.tiny_model import write_tiny_model
from cdk_vllm.errors import CdkVllmError, InputError
from cdk_vllm.model_store import MANIFEST_NAME
from tests.cdk_vllm.loopback_hub import COMMIT, Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cdk_vllm.loopback_hub import Hub

TEXT = """
region = "eu-central-1"
[services.chat]
backend = "ecs"
model = "Qwen/Qwen3-8B"
revision = "main"  # a branch
max_model_len = 4096
insecure_http = true
"""
SECOND = TEXT.replace('region = "eu-central-1"', "").replace("chat", "talk")

TEMPLATE = {
    "Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "models"}}},
    "Outputs": {"ModelBucket": {"Value": {"Ref": "Bucket"}}},
}


@pytest.fixture
def model(hub: Hub) -> Repository:
    found = Repository({"config.json": b"{}", "model.safetensors": b"weights"})
    hub.repositories["Qwen/Qwen3-8B"] = found
    return found


def foundation(template: dict[str, object] | None = None) -> None:
    boto3.client("cloudformation", region_name="eu-central-1").create_stack(
        StackName="dev-foundation", TemplateBody=json.dumps(template or TEMPLATE)
    )


def environment(directory: Path, text: str = TEXT) -> Path:
    path = directory / "dev.toml"
    path.write_text(text, encoding="utf-8")
    return path


def push(*arguments: str | Path) -> str:
    words = [str(argument) for argument in arguments]
    result = CliRunner().invoke(command, words, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.usefixtures("aws")
def test_a_directory_lands_under_its_service_name_and_revision(tmp_path: Path) -> None:
    foundation()
    printed = push(environment(tmp_path), write_tiny_model(tmp_path / "model"))
    assert "s3://models/models/Qwen/Qwen3-8B/main/: 2 files sent, 0 kept" in printed
    assert "revision" not in printed
    again = push(environment(tmp_path), tmp_path / "model")
    assert "0 files sent, 2 kept" in again


@pytest.mark.usefixtures("aws")
def test_a_hubs_model_lands_under_its_commit_and_the_commit_is_told(
    tmp_path: Path, model: Repository
) -> None:
    foundation()
    path = environment(tmp_path)
    printed = push(path, "chat")
    assert f"s3://models/models/Qwen/Qwen3-8B/{COMMIT}/: 2 files sent, 0 kept" in printed
    assert f'revision = "{COMMIT}"' in printed.splitlines()
    assert "would read models/Qwen/Qwen3-8B/main/" in printed
    assert path.read_text(encoding="utf-8") == TEXT


@pytest.mark.usefixtures("aws")
def test_the_commit_is_written_on_demand_and_nothing_else_changes(
    tmp_path: Path, model: Repository
) -> None:
    foundation()
    path = environment(tmp_path)
    printed = push(path, "--write")
    assert path.read_text(encoding="utf-8") == TEXT.replace('"main"', f'"{COMMIT}"')
    assert f"Next: cdk-vllm plan {path} --write" in printed
    assert push(path, "--write").splitlines() == [
        f"s3://models/models/Qwen/Qwen3-8B/{COMMIT}/: 0 files sent, 2 kept, 0.00 GB"
    ]


@pytest.mark.usefixtures("aws")
def test_without_a_word_every_model_is_pushed_once_and_drafts_too(
    tmp_path: Path, model: Repository, hub: Hub
) -> None:
    foundation()
    hub.repositories["org/draft"] = Repository(model.files)
    draft = json.dumps({"model": "org/draft", "num_speculative_tokens": 3})
    text = TEXT + SECOND + f"[services.talk.engine]\nspeculative_config = '{draft}'\n"
    printed = push(environment(tmp_path, text))
    assert [line.split(":")[1] for line in printed.splitlines() if line.startswith("s3:")] == [
        f"//models/models/Qwen/Qwen3-8B/{COMMIT}/",
        f"//models/models/org/draft/{COMMIT}/",
    ]


@pytest.mark.usefixtures("aws")
def test_a_typo_names_the_model_that_is_near(tmp_path: Path, hub: Hub) -> None:
    foundation()
    with pytest.raises(InputError, match=r'no model Qwen/Qwen3-8b, .*Did you mean "Qwen/Qwen3-8B"'):
        push(environment(tmp_path), "Qwen/Qwen3-8b")


@pytest.mark.usefixtures("aws")
def test_what_aws_refuses_is_one_sentence(tmp_path: Path) -> None:
    foundation({**TEMPLATE, "Outputs": {"ModelBucket": {"Value": "no-such-bucket"}}})
    with pytest.raises(CdkVllmError, match=r"AWS refused the push to dev: .*NoSuchBucket"):
        push(environment(tmp_path), write_tiny_model(tmp_path / "model"))


def test_an_interrupted_push_ends_at_once_without_a_manifest_and_goes_on_later(
    tmp_path: Path, hub: Hub
) -> None:
    """As a user: Ctrl-C while a download hangs, then the same command again."""
    files = {"config.json": b"{}", "model.safetensors": bytes(2**20)}
    hub.repositories["Qwen/Qwen3-8B"] = Repository(files)
    hub.pause_after_bytes = 2**18
    path = environment(tmp_path)
    command = [sys.executable, "-m", "cdk_vllm", "push", str(path), "chat"]
    install()
    with EmbeddedAws() as aws:
        aws.client("cloudformation", "eu-central-1").create_stack(
            StackName="dev-foundation", TemplateBody=json.dumps(TEMPLATE)
        )
        given = {**os.environ, **aws.environment("eu-central-1")}
        running = subprocess.Popen(
            command, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            deadline = time.monotonic() + 60
            while not hub.is_paused.wait(0.05):
                assert running.poll() is None, running.communicate()
                assert time.monotonic() < deadline
            running.send_signal(signal.SIGINT)
            hub.resumed.set()
            _, said = running.communicate(timeout=30)
        finally:
            running.kill()
        assert running.returncode == 130
        assert "Interrupted." in said
        assert "Traceback" not in said
        s3 = aws.client("s3", "eu-central-1")
        listed = s3.list_objects_v2(Bucket="models").get("Contents", [])
        assert not [entry for entry in listed if entry["Key"].endswith(MANIFEST_NAME)]
        hub.pause_after_bytes = None
        done = subprocess.run(
            command, check=False, env=given, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert f"{COMMIT}/: " in done.stdout
