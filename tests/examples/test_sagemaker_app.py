"""The SageMaker example synthesises, is hardened, and is planned as its README says."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from string import Template
from typing import Any

import pytest
from click.testing import CliRunner

from cdk_vllm.checks import findings
from cdk_vllm.cli.plan import command

EXAMPLE = Path(__file__).parents[2] / "examples" / "sagemaker_app"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    outdir = tmp_path_factory.mktemp("assembly")
    variables = {**os.environ, "CDK_OUTDIR": str(outdir), "CDK_VALIDATION": "false"}
    run = [sys.executable, "app.py"]
    subprocess.run(run, cwd=EXAMPLE, env=variables, check=True, capture_output=True)
    text = (outdir / "Models.template.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def named(template: dict[str, Any], kind: str, name: str) -> list[Any]:
    """Return one property of each resource of a type."""
    resources = template["Resources"].values()
    return [r["Properties"].get(name) for r in resources if r["Type"] == f"AWS::{kind}"]


def test_it_synthesises_into_one_hardened_stack(template: dict[str, Any]) -> None:
    assert len(named(template, "SageMaker::Endpoint", "EndpointName")) == 2
    assert {"AssistantUrl", "AssistantUsdPerHour", "ChatUrl"} <= template["Outputs"].keys()
    assert findings(template) == []


def test_two_models_and_an_adapter_share_an_instance(template: dict[str, Any]) -> None:
    specifications = named(template, "SageMaker::InferenceComponent", "Specification")
    needs = [s.get("ComputeResourceRequirements") for s in specifications]
    gpus = [n["NumberOfAcceleratorDevicesRequired"] for n in needs if n]
    assert gpus == [1, 1]
    assert sum("BaseInferenceComponentName" in s for s in specifications) == 1
    assert template["Outputs"]["AssistantUsdPerHour"]["Value"] == "3.28"


def test_every_service_has_a_page_of_its_own(template: dict[str, Any]) -> None:
    names = named(template, "CloudWatch::CompositeAlarm", "AlarmName")
    assert len(names) == len(set(names)) == 3


def commands() -> dict[str, list[str]]:
    """Return the README's `cdk-vllm plan` commands by the file that they write."""
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    variables: dict[str, str] = {}
    found = {}
    for line in (part.removeprefix("$ ") for part in text.splitlines() if part.startswith("$ ")):
        if not line.startswith("cdk-vllm plan "):
            name, _, value = line.partition("=")
            variables[name] = value.strip('"')
            continue
        asked, _, file = line.partition(" > ")
        found[file.strip()] = shlex.split(Template(asked).safe_substitute(variables))[2:]
    return found


@pytest.mark.parametrize("file", ["chat.plan.json", "drafts.plan.json", "small.plan.json"])
def test_its_plans_are_what_the_readme_s_commands_print(file: str) -> None:
    printed = CliRunner().invoke(command, commands()[file], catch_exceptions=False).stdout
    assert printed == (EXAMPLE / file).read_text(encoding="utf-8")
