"""The stacks of a cloud assembly are found, in stages too, with what they keep."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws import assembly

if TYPE_CHECKING:
    from pathlib import Path


def write(directory: Path, artifacts: dict[str, Any], **templates: Any) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    manifest = {"version": "55.0.0", "artifacts": artifacts}
    (directory / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for name, template in templates.items():
        (directory / f"{name}.json").write_text(json.dumps(template), encoding="utf-8")
    return directory


def stack(template: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "aws:cloudformation:stack",
        "environment": more.pop("environment", "aws://unknown-account/unknown-region"),
        "displayName": more.pop("display", template),
        "properties": {"templateFile": f"{template}.json", **more},
    }


def test_stacks_of_the_app_and_of_its_stages_are_found(tmp_path: Path) -> None:
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "stage"}}
    write(tmp_path, {"Top": stack("top"), "stage": stage}, top={})
    inner = stack(
        "inner",
        display="dev/foundation (dev-foundation)",
        stackName="dev-foundation",
        environment="aws://123456789012/eu-west-1",
        terminationProtection=True,
    )
    write(tmp_path / "stage", {"inner": inner}, inner={})
    top, foundation = assembly.stacks(tmp_path)
    assert (top.path, top.name, top.region, top.account) == ("top", "Top", None, None)
    assert foundation.path == "dev/foundation"
    assert foundation.name == "dev-foundation"
    assert (foundation.account, foundation.region) == ("123456789012", "eu-west-1")
    assert foundation.termination_protection
    assert not top.termination_protection


def test_what_outlives_the_stack_is_known(tmp_path: Path) -> None:
    resources = {
        "Kept": {"Type": "A", "DeletionPolicy": "Retain"},
        "KeptToo": {"Type": "A", "DeletionPolicy": "RetainExceptOnCreate"},
        "Gone": {"Type": "A", "DeletionPolicy": "Delete"},
        "GoneToo": {"Type": "A"},
    }
    write(tmp_path, {"S": stack("s")}, s={"Resources": resources})
    assert assembly.stacks(tmp_path)[0].retained() == ("Kept", "KeptToo")
