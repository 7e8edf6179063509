from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any


@pytest.fixture
def role(client: Client) -> str:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    answer = client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
    return str(answer["Role"]["Arn"])


@pytest.fixture
def function(client: Client, role: str) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("index.py", "def handler(event, context): return event")
    answer = client("lambda").create_function(
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": {"A": "1"}},
        FunctionName="build",
        Handler="index.handler",
        MemorySize=256,
        Role=role,
        Runtime="python3.13",
        Tags={"a": "b"},
        Timeout=900,
    )
    return str(answer["FunctionArn"])


@pytest.mark.usefixtures("function")
def test_function(client: Client, wrong: Wrong, role: str) -> None:
    written = {
        "Environment": {"Variables": {"A": "1"}},
        "FunctionName": "build",
        "Handler": "index.handler",
        "MemorySize": 256,
        "Role": role,
        "Runtime": "python3.13",
        "Tags": [{"Key": "a", "Value": "b"}],
        "Timeout": 900,
    }
    assert wrong("Lambda::Function", "build", written) == []
    client("lambda").update_function_configuration(
        FunctionName="build", Environment={"Variables": {"A": "1", "B": "2"}}
    )
    assert wrong("Lambda::Function", "build", written) == [
        'Environment.Variables.B should be null but is "2"'
    ]
    assert not exists(client, "AWS::Lambda::Function", "other")


def test_permission(client: Client, wrong: Wrong, function: str) -> None:
    written = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": function,
        "Principal": "events.amazonaws.com",
        "SourceArn": "arn:aws:events:us-east-1:123456789012:rule/r",
    }
    kind = "AWS::Lambda::Permission"
    assert not exists(client, kind, "Permission", written)
    client("lambda").add_permission(**written, StatementId="one")
    for physical_id in ("one", "Permission"):
        assert wrong("Lambda::Permission", physical_id, written) == []
    assert exists(client, kind, "one")
    assert not exists(client, kind, "Permission", {**written, "Principal": "s3.amazonaws.com"})


def test_version(client: Client, wrong: Wrong, function: str) -> None:
    answer = client("lambda").publish_version(FunctionName=function, Description="first")
    arn = answer["FunctionArn"]
    assert wrong("Lambda::Version", arn, {"Description": "first", "FunctionName": "build"}) == []
    assert not exists(client, "AWS::Lambda::Version", arn[:-1] + "9")
