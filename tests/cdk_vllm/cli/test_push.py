"""`cdk-vllm push`: into the bucket of the environment's own foundation, or one sentence why not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws

from cdk_vllm import environment_file
from cdk_vllm.cli.push import command, model_bucket
from cdk_vllm.embedded_aws import install
from cdk_vllm.embedded_aws.tiny_model import write_tiny_model
from cdk_vllm.errors import CdkVllmError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = """
region = "eu-central-1"
[services.chat]
backend = "ecs"
model = "Qwen/Qwen3-8B"
revision = "abc"
max_model_len = 4096
insecure_http = true
"""
SECOND = TEXT.replace('region = "eu-central-1"', "").replace("chat", "talk")

TEMPLATE = {
    "Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "models"}}},
    "Outputs": {"ModelBucket": {"Value": {"Ref": "Bucket"}}},
}


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    install()
    with mock_aws():
        yield


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


def test_a_model_lands_under_its_service_name_and_revision(tmp_path: Path) -> None:
    foundation()
    printed = push(environment(tmp_path), write_tiny_model(tmp_path / "model"))
    assert "s3://models/models/Qwen/Qwen3-8B/abc/: 2 files sent, 0 kept" in printed
    again = push(environment(tmp_path), tmp_path / "model")
    assert "0 files sent, 2 kept" in again


def test_with_several_services_one_must_be_named(tmp_path: Path) -> None:
    path = environment(tmp_path, TEXT + SECOND)
    with pytest.raises(InputError, match="add --service, one of: chat, talk"):
        push(path, tmp_path)
    with pytest.raises(InputError, match=r'has no service "chta".*Did you mean "chat"'):
        push(path, tmp_path, "--service", "chta")


def test_without_a_foundation_the_command_to_run_is_named(tmp_path: Path) -> None:
    loaded = environment_file.load(environment(tmp_path))
    with pytest.raises(InputError, match="deploy it first: cdk deploy 'dev/foundation'"):
        model_bucket(loaded)


def test_a_foundation_of_another_make_is_refused(tmp_path: Path) -> None:
    foundation({"Resources": TEMPLATE["Resources"]})
    with pytest.raises(InputError, match="has no output ModelBucket"):
        model_bucket(environment_file.load(environment(tmp_path)))


def test_what_aws_refuses_is_one_sentence(tmp_path: Path) -> None:
    foundation({**TEMPLATE, "Outputs": {"ModelBucket": {"Value": "no-such-bucket"}}})
    with pytest.raises(CdkVllmError, match=r"AWS refused the push to dev: .*NoSuchBucket"):
        push(environment(tmp_path), write_tiny_model(tmp_path / "model"))
