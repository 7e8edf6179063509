"""A committed plan is read back whole, and refused when it is missing, broken or stale."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cdk_vllm import environment_file, plan_file, planning
from cdk_vllm.errors import PlanError

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_vllm.environment_file import EnvironmentFile

TEXT = """
region = "us-east-1"

[services.chat]
backend = "ecs"
model = "Qwen/Qwen3-8B"
max_model_len = 16384
prompt_tokens = 2000
output_tokens = 500
concurrent_requests = 32
replicas = { min = 1, max = 4 }
insecure_http = true
"""


@pytest.fixture
def environment(tmp_path: Path) -> EnvironmentFile:
    return edited(tmp_path, TEXT)


def edited(directory: Path, text: str) -> EnvironmentFile:
    path = directory / "dev.toml"
    path.write_text(text, encoding="utf-8")
    return environment_file.load(path)


def test_what_is_written_is_read_back(environment: EnvironmentFile) -> None:
    plans = planning.plan(environment)
    path = plan_file.write(environment, plans)
    assert path.name == "dev.plan.json"
    assert plan_file.read(environment) == plans
    assert not list(path.parent.glob("*.new"))


def test_the_file_is_the_same_every_time(environment: EnvironmentFile) -> None:
    first = plan_file.to_json(environment, planning.plan(environment))
    assert plan_file.to_json(environment, planning.plan(environment)) == first
    assert json.loads(first)["services"]["chat"]["instance_type"]


def test_a_missing_plan_names_the_command(environment: EnvironmentFile) -> None:
    with pytest.raises(PlanError, match=r"is missing; run: cdk-vllm plan .*dev\.toml --write"):
        plan_file.read(environment)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("= 32", "= 33", "services.chat.workload.concurrent_requests is 33"),
        ("max = 4", "max = 5", "services.chat.max_replicas is 5"),
        ("us-east-1", "eu-west-1", "services.chat.region is 'eu-west-1'"),
        (
            "insecure_http = true",
            'insecure_http = true\nrevision = "abc"',
            "services.chat.revision",
        ),
        (
            "insecure_http = true",
            'insecure_http = true\n[services.chat.image]\nbase_image = "x:v0.34.0"',
            "services.chat.vllm_version is '0.34.0'",
        ),
    ],
)
def test_a_plan_that_no_longer_answers_is_refused(
    environment: EnvironmentFile, tmp_path: Path, old: str, new: str, key: str
) -> None:
    plan_file.write(environment, planning.plan(environment))
    with pytest.raises(PlanError, match=r"is stale.*run: cdk-vllm plan") as caught:
        plan_file.read(edited(tmp_path, TEXT.replace(old, new)))
    assert key in str(caught.value)


def test_a_new_default_of_the_package_does_not_make_a_plan_stale(
    environment: EnvironmentFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_file.write(environment, planning.plan(environment))
    monkeypatch.setattr(planning, "DEFAULT_VLLM_VERSION", "9.9.9")
    assert plan_file.read(environment)["chat"].request.vllm_version != "9.9.9"


def test_a_service_without_a_plan_and_a_plan_without_a_service_are_refused(
    environment: EnvironmentFile, tmp_path: Path
) -> None:
    plan_file.write(environment, planning.plan(environment))
    renamed = TEXT.replace("services.chat", "services.talk")
    with pytest.raises(PlanError, match=r"has no plan for services\.talk"):
        plan_file.read(edited(tmp_path, renamed))
    document = json.loads(plan_file.to_json(environment, planning.plan(environment)))
    document["services"]["talk"] = document["services"]["chat"]
    plan_file.path_for(environment).write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(PlanError, match=r"plans services\.chat, which .* does not have"):
        plan_file.read(edited(tmp_path, renamed))


def test_a_plan_that_no_longer_fits_is_refused(environment: EnvironmentFile) -> None:
    path = plan_file.write(environment, planning.plan(environment))
    document = json.loads(path.read_text(encoding="utf-8"))
    chat = document["services"]["chat"]
    chat["instance_type"], chat["gpu"] = "g4dn.xlarge", "NVIDIA T4"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(PlanError, match=r"services\.chat no longer fits"):
        plan_file.read(environment)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema_version": 2}', '{"schema_version": 1, "services": {"a": 1}}']
)
def test_a_file_that_is_not_a_plan_is_refused(environment: EnvironmentFile, text: str) -> None:
    plan_file.path_for(environment).write_text(text, encoding="utf-8")
    with pytest.raises(PlanError, match="is not a plan file"):
        plan_file.read(environment)
