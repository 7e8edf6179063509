from __future__ import annotations

from typing import Any

from cdk_vllm.embedded_aws.readback import exists
from cdk_vllm.embedded_aws.readback.services import READERS

Client = Any
Wrong = Any


def test_secret_is_read_without_its_value(client: Client, wrong: Wrong) -> None:
    secrets = client("secretsmanager")
    arn = secrets.create_secret(
        Name="key", Description="API key", Tags=[{"Key": "a", "Value": "b"}]
    )["ARN"]
    written = {"Description": "API key", "Name": "key", "Tags": [{"Key": "a", "Value": "b"}]}
    assert wrong("SecretsManager::Secret", arn, written) == []
    # A template that makes a value expects one to be there.
    generated = {**written, "GenerateSecretString": {"PasswordLength": 48}}
    assert not exists(client, "AWS::SecretsManager::Secret", arn, generated)
    secrets.put_secret_value(SecretId=arn, SecretString="hunter2")
    found = READERS["AWS::SecretsManager::Secret"](client, arn, generated)
    assert found["Id"] == arn
    assert "hunter2" not in str(found)
    secrets.delete_secret(SecretId=arn)
    assert not exists(client, "AWS::SecretsManager::Secret", arn)


def test_parameter(client: Client, wrong: Wrong) -> None:
    client("ssm").put_parameter(
        Name="/vllm/store",
        Description="d",
        Type="String",
        Value="bucket",
        Tags=[{"Key": "a", "Value": "b"}],
    )
    written = {
        "Description": "d",
        "Name": "/vllm/store",
        "Tags": {"a": "b"},
        "Type": "String",
        "Value": "bucket",
    }
    assert wrong("SSM::Parameter", "/vllm/store", written) == []
    client("ssm").put_parameter(Name="/vllm/store", Value="other", Overwrite=True)
    assert wrong("SSM::Parameter", "/vllm/store", written) == [
        'Value should be "bucket" but is "other"'
    ]
    assert not exists(client, "AWS::SSM::Parameter", "/vllm/other")
