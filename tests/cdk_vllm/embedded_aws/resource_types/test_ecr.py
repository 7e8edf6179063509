from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def resources(count: int, mutability: str) -> dict[str, Any]:
    rule = {
        "rulePriority": 1,
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count},
        "action": {"type": "expire"},
    }
    return {
        "Images": {
            "Type": "AWS::ECR::Repository",
            "Properties": {
                "EmptyOnDelete": True,
                "EncryptionConfiguration": {"EncryptionType": "KMS"},
                "ImageScanningConfiguration": {"ScanOnPush": True},
                "ImageTagMutability": mutability,
                "LifecyclePolicy": {"LifecyclePolicyText": json.dumps({"rules": [rule]})},
            },
        }
    }


def test_a_repository_is_read_and_changes(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    ecr, ids = client("ecr"), deployed(**resources(10, "IMMUTABLE"))
    (shown,) = ecr.describe_repositories()["repositories"]
    assert shown["repositoryName"] == ids["Images"]
    assert shown["imageScanningConfiguration"] == {"scanOnPush": True}
    assert shown["encryptionConfiguration"]["encryptionType"] == "KMS"
    assert shown["imageTagMutability"] == "IMMUTABLE"
    name = {"repositoryName": ids["Images"]}
    text = ecr.get_lifecycle_policy(**name)["lifecyclePolicyText"]
    assert json.loads(text)["rules"][0]["selection"]["countNumber"] == 10
    assert deployed(**resources(20, "MUTABLE")) == ids
    (shown,) = ecr.describe_repositories()["repositories"]
    assert shown["imageTagMutability"] == "MUTABLE"
    text = ecr.get_lifecycle_policy(**name)["lifecyclePolicyText"]
    assert json.loads(text)["rules"][0]["selection"]["countNumber"] == 20
    destroyed()
    assert not ecr.describe_repositories()["repositories"]
