from __future__ import annotations

import json
from typing import Any

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any


def test_repository(client: Client, wrong: Wrong) -> None:
    ecr = client("ecr")
    written = {
        "EncryptionConfiguration": {"EncryptionType": "KMS"},
        "ImageScanningConfiguration": {"ScanOnPush": True},
        "ImageTagMutability": "IMMUTABLE",
        "RepositoryName": "vllm",
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    ecr.create_repository(
        encryptionConfiguration={"encryptionType": "KMS"},
        imageScanningConfiguration={"scanOnPush": True},
        imageTagMutability="IMMUTABLE",
        repositoryName="vllm",
        tags=[{"Key": "a", "Value": "b"}],
    )
    assert wrong("ECR::Repository", "vllm", written) == []
    rules = {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": 7,
                },
                "action": {"type": "expire"},
            }
        ]
    }
    written["LifecyclePolicy"] = {"LifecyclePolicyText": json.dumps(rules, indent=1)}
    assert len(wrong("ECR::Repository", "vllm", written)) == 1
    ecr.put_lifecycle_policy(repositoryName="vllm", lifecyclePolicyText=json.dumps(rules))
    assert wrong("ECR::Repository", "vllm", written) == []
    ecr.put_image_tag_mutability(repositoryName="vllm", imageTagMutability="MUTABLE")
    assert wrong("ECR::Repository", "vllm", written) == [
        'ImageTagMutability should be "IMMUTABLE" but is "MUTABLE"'
    ]
    assert not exists(client, "AWS::ECR::Repository", "other")
