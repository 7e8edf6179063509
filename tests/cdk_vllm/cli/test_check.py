"""`cdk-vllm check`: a table, JSON, one sentence without credentials, exit 1 on a shortfall."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from click.testing import CliRunner, Result
from moto import mock_aws

from cdk_vllm import environment_file, plan_file, planning
from cdk_vllm.cli import check
from cdk_vllm.errors import CdkVllmError, InputError, PlanError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = """
region = "us-east-1"
[services.chat]
backend = "ecs"
model = "Qwen/Qwen3-8B"
max_model_len = 4096
replicas = { min = 1, max = 2 }
insecure_http = true
[services.chat.image]
base_image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm:v0.33.0"
"""


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


@pytest.fixture
def quota(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Answer for Service Quotas, of which moto knows the VPC's alone; the value may be changed."""
    values = {"value": 64.0}

    def answer(**_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        body = {"Quota": {"Value": values["value"]}, "ResponseMetadata": {}}
        return AWSResponse("", 200, HTTPHeaders(), None), body

    made = boto3.session.Session.client

    def client(self: boto3.session.Session, name: str, **options: Any) -> Any:
        found: Any = made(self, name, **options)  # type: ignore[call-overload]
        found.meta.events.register_first("before-call.service-quotas", answer)
        return found

    monkeypatch.setattr(boto3.session.Session, "client", client)
    return values


def environment(directory: Path, text: str = TEXT) -> Path:
    path = directory / "dev.toml"
    path.write_text(text, encoding="utf-8")
    loaded = environment_file.load(path)
    plan_file.write(loaded, planning.plan(loaded))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(check.command, [str(argument) for argument in arguments])


@pytest.mark.usefixtures("aws")
def test_every_check_is_in_the_table_and_a_shortfall_is_a_failure(
    tmp_path: Path, quota: dict[str, float]
) -> None:
    result = run(environment(tmp_path))
    printed = " ".join(result.stdout.split())
    assert "dev: account 123456789012, us-east-1" in printed
    assert '"Running On-Demand G and VT instances" (L-DB2E81BA) is 64 vCPUs' in printed
    assert "dev-foundation is not deployed" in printed
    assert "vllm:v0.33.0 is not in its ECR repository" in printed
    assert isinstance(result.exception, CdkVllmError)
    assert str(result.exception) == "1 of 5 checks fall short; see the lines above"
    assert result.exception.exit_code == 1


@pytest.mark.usefixtures("aws")
def test_json_says_the_same(tmp_path: Path, quota: dict[str, float]) -> None:
    boto3.client("ecr", region_name="us-east-1").create_repository(repositoryName="vllm")
    quota["value"] = 7.0
    result = run(environment(tmp_path), "--json")
    document = json.loads(result.stdout)
    assert (document["environment"], document["account"]) == ("dev", "123456789012")
    checks = {entry["about"]: entry for entry in document["checks"]}
    statuses = {about: entry["status"] for about, entry in checks.items()}
    assert statuses == {
        "quota": "short",
        "zones of chat": "ok",
        "stand-ins of chat": "ok",
        "model of chat": "not checked",
        "image of chat": "short",
    }
    assert "ask Service Quotas for 16 or more" in checks["quota"]["sentence"]
    assert str(result.exception).startswith("2 of 5")


@pytest.mark.usefixtures("aws", "quota")
def test_what_could_not_be_checked_is_no_failure(tmp_path: Path) -> None:
    text = TEXT.partition("[services.chat.image]")[0]
    result = run(environment(tmp_path, text))
    assert result.exception is None
    assert "vllm/vllm-openai:v0.33.0: it is not in ECR" in " ".join(result.stdout.split())


@pytest.mark.usefixtures("aws")
def test_another_account_s_credentials_are_refused(tmp_path: Path) -> None:
    path = environment(tmp_path, 'account = "999999999999"\n' + TEXT)
    result = run(path)
    assert isinstance(result.exception, CdkVllmError)
    assert "credentials are for account 123456789012" in str(result.exception)
    assert "is for 999999999999" in str(result.exception)


def test_without_credentials_one_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    result = run(environment(tmp_path))
    assert isinstance(result.exception, CdkVllmError)
    assert "no AWS credentials" in str(result.exception)
    assert result.exception.exit_code == 1
    assert result.stdout == ""


def test_files_are_checked_before_anybody_is_asked(tmp_path: Path) -> None:
    assert isinstance(run(tmp_path / "absent.toml").exception, InputError)
    path = environment(tmp_path)
    path.with_name("dev.plan.json").unlink()
    assert isinstance(run(path).exception, PlanError)


def test_an_existing_network_is_looked_at(tmp_path: Path) -> None:
    network = """
[network]
vpc_id = "vpc-0123456789abcdef0"
private_subnet_ids = ["subnet-0123456789abcdef0"]
availability_zones = ["us-east-1c"]
"""
    found = check.place(environment_file.load(environment(tmp_path, TEXT + network)))
    assert found.vpc_id == "vpc-0123456789abcdef0"
    assert found.zones == ("us-east-1c",)
    assert (found.foundation_stack, found.own_stacks) == ("dev-foundation", "dev-")
