"""What becomes of an environment file: templates that nobody finds fault with, or one sentence."""

from __future__ import annotations

import json
import tempfile
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import aws_cdk as cdk
import cdk_nag
import tomlkit

from app import add_environment
from cdk_vllm import environment_file, plan_file, planning
from cdk_vllm.checks import findings
from cdk_vllm.errors import CdkVllmError

ROOT = Path(__file__).parents[2]


class Outcome(NamedTuple):
    """`refusal` is the sentence, or empty; `faults` is what the judges found."""

    refusal: str
    faults: list[str]


def outcome(environment: dict[str, Any]) -> Outcome:
    """Plan and synthesize an environment in a folder of its own, and ask three judges."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "generated.toml"
        path.write_text(tomlkit.dumps(environment), encoding="utf-8")
        try:
            loaded = environment_file.load(path)
            plan_file.write(loaded, planning.plan(loaded))
            return Outcome("", _faults(path, Path(folder) / "assembly"))
        except CdkVllmError as error:
            return Outcome(str(error).replace(folder, ""), [])


def _faults(path: Path, outdir: Path) -> list[str]:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    context |= {"@aws-cdk/core:validateAgainstDefaultRules": True}
    app = cdk.App(outdir=str(outdir), context=context, builtin_cloud_formation_validation=True)
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks())
    add_environment(app, path)
    try:
        with redirect_stderr(StringIO()):
            app.synth()
    except RuntimeError as error:  # the CDK's own, with CloudFormation's and cdk-nag's findings
        return [str(error)]
    return [
        f"{template.name}: {finding}"
        for template in outdir.glob("assembly-*/*.template.json")
        for finding in findings(json.loads(template.read_text()))
    ]
