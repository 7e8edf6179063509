"""The example is an app that synthesises, is hardened, and says what the command says today."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from cdk_vllm.checks import findings
from cdk_vllm.cli.plan import command

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_app"
ASKED = "--model Qwen/Qwen3-8B --max-model-len 16384 --prompt-tokens 2000 --output-tokens 500"


def test_it_synthesises_into_one_hardened_stack(tmp_path: Path) -> None:
    variables = {**os.environ, "CDK_OUTDIR": str(tmp_path), "CDK_VALIDATION": "false"}
    run = [sys.executable, "app.py"]
    subprocess.run(run, cwd=EXAMPLE, env=variables, check=True, capture_output=True)
    template = json.loads((tmp_path / "Assistant.template.json").read_text(encoding="utf-8"))
    types = [resource["Type"] for resource in template["Resources"].values()]
    assert types.count("AWS::ECS::Service") == 1
    assert {"BaseUrl", "ModelUri"} <= template["Outputs"].keys()
    assert findings(template) == []


def test_its_plan_is_what_the_readme_s_command_prints() -> None:
    arguments = [*ASKED.split(), "--concurrent-requests", "32", "--json"]
    printed = CliRunner().invoke(command, arguments, catch_exceptions=False).stdout
    assert printed == (EXAMPLE / "chat.plan.json").read_text(encoding="utf-8")
    readme = " ".join((EXAMPLE / "README.md").read_text(encoding="utf-8").split())
    assert ASKED in readme
