from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from cdk_vllm.embedded_aws.server import EmbeddedAws
from cdk_vllm.errors import RehearsalError

ROOT = Path(__file__).parents[3]

APP = """
import sys
import aws_cdk as cdk
from aws_cdk import aws_sns as sns, aws_ssm as ssm, aws_s3_assets as assets

app = cdk.App()
stack = cdk.Stack(app, "Tiny")
asset = assets.Asset(stack, "Asset", path=__file__)
topic = sns.Topic(stack, "Topic", display_name=app.node.get_context("shown"))
ssm.StringParameter(
    stack, "Where", parameter_name="where", string_value=asset.s3_object_url
)
cdk.CfnOutput(stack, "TopicArn", value=topic.topic_arn)
app.synth()
"""


def cdk(aws: EmbeddedAws, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [str(ROOT / "node_modules" / ".bin" / "cdk"), *arguments],
        cwd=directory,
        env={
            "PATH": path,
            "HOME": str(directory),
            "CDK_VALIDATION": "false",
            **aws.environment("us-east-1"),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_cdk_cli_bootstraps_deploys_updates_fails_and_destroys(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "cdk.json").write_text(json.dumps({"app": f"{sys.executable} app.py"}))
    deploy = ("deploy", "--require-approval", "never", "--all")
    with EmbeddedAws() as aws:

        def run(*arguments: str) -> str:
            result = cdk(aws, tmp_path, *arguments)
            assert result.returncode == 0, result.stdout + result.stderr
            return result.stdout + result.stderr

        def topics() -> list[str]:
            return [t["TopicArn"] for t in aws.client("sns", "us-east-1").list_topics()["Topics"]]

        def shown() -> str:
            sns = aws.client("sns", "us-east-1")
            return str(sns.get_topic_attributes(TopicArn=topics()[0])["Attributes"]["DisplayName"])

        run("bootstrap", "--app", "", "aws://123456789012/us-east-1")
        run("synth", "--quiet", "-c", "shown=one", "--output", "one")
        run(*deploy, "--app", "one", "--outputs-file", "outputs.json")
        outputs = json.loads((tmp_path / "outputs.json").read_text())
        assert outputs["Tiny"]["TopicArn"] == topics()[0]
        assert shown() == "one"
        where = aws.client("ssm", "us-east-1").get_parameter(Name="where")["Parameter"]["Value"]
        bucket, _, key = where.removeprefix("s3://").partition("/")
        assert aws.client("s3", "us-east-1").head_object(Bucket=bucket, Key=key)
        assert "(no changes)" in run(*deploy, "--app", "one")
        template = tmp_path / "one" / "Tiny.template.json"
        changed = template.read_text().replace('"one"', '"two"')
        _assemble(tmp_path, "two", changed)
        run(*deploy, "--app", "two")
        assert shown() == "two"
        _assemble(tmp_path, "bad", changed.replace('AWS::SSM::Parameter"', 'AWS::Nowhere::Thing"'))
        failed = cdk(aws, tmp_path, *deploy, "--app", "bad")
        assert failed.returncode != 0
        assert "AWS::Nowhere::Thing" in failed.stdout + failed.stderr
        assert shown() == "two"
        run("destroy", "--force", "--all", "--app", "two")
        assert not topics()


def _assemble(directory: Path, name: str, template: str) -> None:
    """Copy the assembly "one" with another template, which the CLI uploads by another hash."""
    one, copy = directory / "one", directory / name
    copy.mkdir()
    stack = json.loads((one / "manifest.json").read_text())["artifacts"]["Tiny"]
    _, _, old = stack["properties"]["stackTemplateAssetObjectUrl"].rpartition("/")
    new = hashlib.sha256(template.encode()).hexdigest() + ".json"
    for path in one.iterdir():
        if path.suffix != ".json" and path.name != "cdk.out":
            (copy / path.name).symlink_to(path)
            continue
        text = template if path.name == "Tiny.template.json" else path.read_text()
        text = text.replace(old.removesuffix(".json"), new.removesuffix(".json"))
        (copy / path.name).write_text(text)


def test_a_failed_deployment_says_which_resource_and_why(tmp_path: Path) -> None:
    template = {
        "Resources": {
            "Bad": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Name": "aws-bad", "Value": "x"},
            }
        }
    }
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": "Bad.template.json"},
    }
    out = tmp_path / "cdk.out"
    out.mkdir()
    (out / "Bad.template.json").write_text(json.dumps(template))
    manifest = {"version": "48.0.0", "artifacts": {"Bad": artifact}}
    (out / "manifest.json").write_text(json.dumps(manifest))
    with EmbeddedAws() as aws:
        result = cdk(aws, tmp_path, "deploy", "--app", str(out), "--require-approval", "never")
        assert result.returncode != 0
        printed = result.stdout + result.stderr
        assert "AWS::SSM::Parameter" in printed
        assert "aws-bad" in printed or "prefixed" in printed
        (stack,) = aws.client("cloudformation", "us-east-1").describe_stacks()["Stacks"]
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"


def test_a_server_starts_empty_and_stops_clean() -> None:
    threads = threading.active_count()
    with EmbeddedAws() as first:
        client: Any = first.client("s3", "us-east-1")
        client.create_bucket(Bucket="some-bucket")
        port = first.port
    with pytest.raises(EndpointConnectionError):
        client.list_buckets()
    with EmbeddedAws(port) as second:
        assert second.endpoint_url == f"http://127.0.0.1:{port}"
        assert not second.client("s3", "us-east-1").list_buckets()["Buckets"]
    assert threading.active_count() == threads


def test_a_busy_port_is_one_sentence() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(RehearsalError, match=str(port)) as caught, EmbeddedAws(port):
            pass
    assert str(caught.value).count(".") == 4  # the address has three of them


def test_the_environment_leaves_nothing_of_the_users() -> None:
    with EmbeddedAws() as aws:
        environment = aws.environment("eu-west-1")
    assert environment["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert environment["AWS_CONFIG_FILE"] == os.devnull
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"


def test_an_app_may_name_its_account() -> None:
    before = os.environ.get("MOTO_ACCOUNT_ID")
    with EmbeddedAws(account_id="111122223333") as aws:
        identity = aws.client("sts", "us-east-1").get_caller_identity()
        assert identity["Account"] == "111122223333"
        queue = {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}
        cloudformation = aws.client("cloudformation", "us-east-1")
        cloudformation.create_stack(StackName="app", TemplateBody=json.dumps(queue))
        (topic,) = aws.client("sns", "us-east-1").list_topics()["Topics"]
    assert ":111122223333:" in topic["TopicArn"]
    assert os.environ.get("MOTO_ACCOUNT_ID") == before


def test_asking_for_the_package_does_not_load_moto() -> None:
    code = (
        "import sys, cdk_vllm.embedded_aws, cdk_vllm.embedded_aws.server;"
        "sys.exit('moto' in sys.modules or 'boto3' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    with EmbeddedAws() as aws:
        aws.client("s3", "us-east-1").list_buckets()
    assert capfd.readouterr() == ("", "")
