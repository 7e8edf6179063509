"""What the environment's builder leaves in its stack."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest

from cdk_vllm.constructs.image import ImageBuilder
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORIES = [("Repository", 100), ("Mirror", 10)]


def named(template: dict[str, Any], prefix: str) -> dict[str, Any]:
    (found,) = (r for name, r in template["Resources"].items() if name.startswith(prefix))
    assert isinstance(found, dict)
    return found


def of_type(template: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [r for r in template["Resources"].values() if r["Type"] == kind]


@pytest.mark.parametrize("name", ["Repository", "Mirror"])
def test_images_are_encrypted_immutable_scanned_and_outlive_the_stack(
    templates: Mapping[str, dict[str, Any]], name: str
) -> None:
    repository = named(templates["foundation"], f"Images{name}")
    assert repository["Type"] == "AWS::ECR::Repository"
    assert repository["DeletionPolicy"] == repository["UpdateReplacePolicy"] == "Retain"
    properties = repository["Properties"]
    assert properties["EncryptionConfiguration"]["EncryptionType"] == "KMS"
    key = properties["EncryptionConfiguration"]["KmsKey"]["Fn::GetAtt"][0]
    assert templates["foundation"]["Resources"][key]["Properties"]["EnableKeyRotation"] is True
    assert properties["ImageTagMutability"] == "IMMUTABLE"
    assert properties["ImageScanningConfiguration"] == {"ScanOnPush": True}


@pytest.mark.parametrize(("name", "kept"), REPOSITORIES)
def test_leftovers_expire_and_images_are_kept_for_rollback(
    templates: Mapping[str, dict[str, Any]], name: str, kept: int
) -> None:
    repository = named(templates["foundation"], f"Images{name}")
    policy = json.loads(repository["Properties"]["LifecyclePolicy"]["LifecyclePolicyText"])
    selections = [rule["selection"] for rule in policy["rules"]]
    assert selections == [
        {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countNumber": 7,
            "countUnit": "days",
        },
        {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": kept},
    ]


def test_the_number_of_images_kept_is_ones_own(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    repository = named(templates["options"], "ImagesRepository")
    assert '"countNumber":7}' in repository["Properties"]["LifecyclePolicy"]["LifecyclePolicyText"]


@pytest.mark.parametrize(("stack", "days"), [("foundation", 90), ("options", 7)])
def test_both_logs_are_encrypted_and_end(
    templates: Mapping[str, dict[str, Any]], stack: str, days: int
) -> None:
    groups = of_type(templates[stack], "AWS::Logs::LogGroup")
    assert [group["Properties"]["RetentionInDays"] for group in groups] == [days, days]
    assert all("KmsKeyId" in group["Properties"] for group in groups)


def test_logs_may_use_the_key_for_this_accounts_groups_only(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    (key,) = of_type(templates["foundation"], "AWS::KMS::Key")
    statement = key["Properties"]["KeyPolicy"]["Statement"][1]
    assert "logs." in json.dumps(statement["Principal"])
    condition = json.dumps(statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"])
    assert "AWS::AccountId" in condition
    assert "AWS::Region" in condition


def test_a_key_of_ones_own_encrypts_everything(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    assert len(of_type(templates["options"], "AWS::KMS::Key")) == 1
    assert json.dumps(templates["options"]).count('"KmsKey"') == 2


def test_no_image_is_built_and_no_value_is_left_by_the_builder_alone(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    kinds = {r["Type"] for r in templates["foundation"]["Resources"].values()}
    assert not [kind for kind in kinds if kind.startswith("Custom::")]
    exports = json.dumps(templates["foundation"]["Outputs"])
    assert "ImageUri" not in exports
    assert "Digest" not in exports


def test_it_takes_at_most_seven_keyword_arguments() -> None:
    parameters = inspect.signature(ImageBuilder.__init__).parameters.values()
    assert len([p for p in parameters if p.kind is p.KEYWORD_ONLY]) <= 7


@pytest.mark.parametrize("seconds", [4 * 60, 51 * 60, 3600 + 1])
def test_a_build_must_end_before_cloudformation_stops_waiting(seconds: int) -> None:
    with pytest.raises(InputError, match=r"timeout is .* minutes; allowed: 5 to 50"):
        ImageBuilder(cdk.Stack(), "Images", timeout=cdk.Duration.seconds(seconds))
