"""The push inside AWS: what it may do, what it is made of, and that it pushes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Match, Template

from cdk_vllm.constructs import LogBucket, ModelStore, PushJob
from cdk_vllm.constructs.push_job import buildspec
from cdk_vllm.embedded_aws import install
from cdk_vllm.embedded_aws.server import EmbeddedAws
from cdk_vllm.model_store import Prefix
from tests.cdk_vllm.loopback_hub import COMMIT, TOKEN, Repository

if TYPE_CHECKING:
    from tests.cdk_vllm.loopback_hub import Hub

PROJECT = "AWS::CodeBuild::Project"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:hub-token"
# The packages are there: what stands in for `python` installs none.
PROGRAMS = {
    "aws": 'cp "$SOURCE_ZIP" "${@: -1}"',
    "python": f'if [[ "$2" == pip ]]; then echo "$@" >"$PIP_CALLS"; exit; fi; '
    f'exec {sys.executable} "$@"',
}


def make(stack: cdk.Stack, **options: Any) -> PushJob:
    models = ModelStore(stack, "Models", log_bucket=LogBucket(stack, "Logs").bucket)
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    return PushJob(stack, "Push", models=models, encryption_key=key, **options)


def statements(template: Template, kind: str, part: str) -> list[dict[str, Any]]:
    found = template.find_resources(kind)
    (policy,) = (body for name, body in found.items() if part in name)
    return list(policy["Properties"]["PolicyDocument"]["Statement"])


def test_it_may_write_models_and_nothing_else(stack: cdk.Stack) -> None:
    make(stack)
    template = Template.from_stack(stack)
    given = {
        action: statement
        for statement in statements(template, "AWS::S3::BucketPolicy", "Models")
        if statement["Effect"] == "Allow"
        for action in [statement["Action"]]
        if isinstance(action, str) or action
        for action in ([action] if isinstance(action, str) else action)
    }
    assert set(given) == {
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
    }
    for action, statement in given.items():
        assert statement["Principal"]["AWS"]["Fn::GetAtt"][0].startswith("PushRole")
        if action == "s3:ListBucket":
            assert statement["Condition"] == {"StringLike": {"s3:prefix": "models/*"}}
        else:
            assert statement["Resource"]["Fn::Join"][1][-1] == "/models/*"


def test_its_role_reads_its_code_uses_the_key_through_s3_and_writes_its_log(
    stack: cdk.Stack,
) -> None:
    make(stack)
    found = statements(Template.from_stack(stack), "AWS::IAM::Policy", "PushRole")
    actions = [s["Action"] for s in found]
    assert actions == [
        "s3:GetObject",
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        ["kms:Decrypt", "kms:GenerateDataKey"],
    ]
    assert "*" not in json.dumps([s["Resource"] for s in found])
    assert "kms:ViaService" in found[2]["Condition"]["StringEquals"]


@pytest.mark.parametrize(
    ("secret", "resource"),
    [
        ("hub-token", ":secret:hub-token-??????"),
        (SECRET, f"{SECRET}-??????"),
        (f"{SECRET}-AbCdEf", f"{SECRET}-AbCdEf"),
    ],
)
def test_the_token_is_named_never_held(stack: cdk.Stack, secret: str, resource: str) -> None:
    make(stack, token_secret=secret)
    template = Template.from_stack(stack)
    (reading,) = (
        s
        for s in statements(template, "AWS::IAM::Policy", "PushRole")
        if "secretsmanager:GetSecretValue" in s["Action"]
    )
    assert resource in json.dumps(reading["Resource"])
    variable = {"Name": "HF_TOKEN", "Type": "SECRETS_MANAGER", "Value": secret}
    environment = {"EnvironmentVariables": Match.array_with([variable]), "PrivilegedMode": False}
    template.has_resource_properties(PROJECT, {"Environment": Match.object_like(environment)})


def test_its_log_is_encrypted_and_ends(stack: cdk.Stack) -> None:
    make(stack)
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Logs::LogGroup", {"RetentionInDays": 90, "KmsKeyId": Match.any_value()}
    )
    template.has_resource_properties(
        PROJECT,
        {
            "LogsConfig": {"CloudWatchLogs": Match.object_like({"Status": "ENABLED"})},
            "EncryptionKey": Match.any_value(),
            "TimeoutInMinutes": 480,
        },
    )


@pytest.fixture
def code(validating_app: cdk.App, tmp_path: Path) -> Path:
    """Return the zipped asset of the job, as the CDK CLI uploads it."""
    stack = cdk.Stack(validating_app, "Stack", env=cdk.Environment(region="us-east-1"))
    make(stack)
    outdir = Path(validating_app.synth().directory)
    (asset,) = outdir.glob("asset.*")
    zipped = tmp_path / "source.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        for path in sorted(asset.rglob("*")):
            archive.write(path, path.relative_to(asset))
    return zipped


def test_its_code_is_the_store_alone(code: Path) -> None:
    with zipfile.ZipFile(code) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    assert {name.split("/")[0] for name in names} == {
        "__init__.py",
        "errors.py",
        "model_prefix.py",
        "model_store",
    }
    assert "model_store/requirements.txt" in names
    assert not [name for name in names if "__pycache__" in name]


def test_started_as_codebuild_does_it_pushes(code: Path, hub: Hub, tmp_path: Path) -> None:
    files = {"config.json": b"{}", "model.safetensors": b"weights" * 1000}
    hub.repositories["org/name"] = Repository(files, is_gated=True)
    install()
    with EmbeddedAws() as aws:
        s3 = aws.client("s3", "us-east-1")
        s3.create_bucket(Bucket="models")

        def run(**variables: str) -> subprocess.CompletedProcess[str]:
            return build(tmp_path, {**aws.environment("us-east-1"), **variables}, code)

        refused = run(MODEL="org/name")
        assert refused.returncode == 1
        last = refused.stderr.splitlines()[-1]
        assert last.startswith("cdk-vllm: access to org/name needs a token: accept its licence")
        assert last.endswith("deploy the foundation")
        done = run(MODEL="org/name", HF_TOKEN=TOKEN)
        assert done.returncode == 0, done.stderr
        uri = f"s3://models/models/org/name/{COMMIT}/"
        assert done.stdout.splitlines()[-1] == f"cdk-vllm: {uri}: 2 files sent, 0 kept"
        assert TOKEN not in done.stdout + done.stderr
        manifest = Prefix(s3, "models", f"models/org/name/{COMMIT}/").manifest()
        assert manifest is not None
        assert {file.name: file.size_bytes for file in manifest.files} == {
            name: len(content) for name, content in files.items()
        }
        outside = run(MODEL="../../adapters", HF_TOKEN=TOKEN)
        assert outside.returncode == 1
        assert 'MODEL is "../../adapters"' in outside.stderr
    installed = (tmp_path / "pip-calls").read_text(encoding="utf-8")
    assert "--require-hashes" in installed
    assert installed.rstrip().endswith("cdk_vllm/model_store/requirements.txt")


def build(folder: Path, variables: dict[str, str], code: Path) -> subprocess.CompletedProcess[str]:
    """Run the build's own commands in its own shell."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name, text in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    given = {
        **os.environ,
        "AWS_ACCOUNT": "123456789012",
        "BUCKET": "models",
        "CDK_VLLM_TOKEN_HINT": "name a secret, and deploy the foundation",
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PIP_CALLS": str(folder / "pip-calls"),
        "REVISION": "main",
        "SOURCE_BUCKET": "assets",
        "SOURCE_KEY": "c0ffee.zip",
        "SOURCE_ZIP": str(code),
    }
    specification: Any = buildspec()
    (command,) = specification["phases"]["build"]["commands"]
    return subprocess.run(
        ["bash", "-c", command],
        check=False,
        env=given | variables,
        capture_output=True,
        text=True,
        timeout=120,
    )
