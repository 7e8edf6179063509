from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def resources(description: str, length: int = 40) -> dict[str, Any]:
    return {
        "ApiKey": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                "Description": description,
                "GenerateSecretString": {
                    "ExcludePunctuation": True,
                    "GenerateStringKey": "key",
                    "PasswordLength": length,
                    "SecretStringTemplate": '{"user": "vllm"}',
                },
                "KmsKeyId": "alias/mine",
            },
        }
    }


def test_a_secret_is_generated_read_and_changed(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    secrets, ids = client("secretsmanager"), deployed(**resources("one"))
    shown = secrets.describe_secret(SecretId=ids["ApiKey"])
    assert shown["ARN"] == ids["ApiKey"]
    assert (shown["Description"], shown["KmsKeyId"]) == ("one", "alias/mine")
    value = json.loads(secrets.get_secret_value(SecretId=ids["ApiKey"])["SecretString"])
    assert value["user"] == "vllm"
    assert len(value["key"]) == 40
    assert value["key"].isalnum()
    assert deployed(**resources("two")) == ids
    assert secrets.describe_secret(SecretId=ids["ApiKey"])["Description"] == "two"
    same = json.loads(secrets.get_secret_value(SecretId=ids["ApiKey"])["SecretString"])
    assert same == value
    deployed(**resources("two", 64))
    longer = json.loads(secrets.get_secret_value(SecretId=ids["ApiKey"])["SecretString"])
    assert len(longer["key"]) == 64
    destroyed()
    assert not secrets.list_secrets()["SecretList"]
