"""Node and the CDK CLI are found, checked, run alone, and never left running."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cdk_vllm.embedded_aws import cdk_cli
from cdk_vllm.errors import RehearsalError

PRINT_ENVIRONMENT = "console.log(JSON.stringify(process.env))"


def app_with_cli(directory: Path, source: str, version: str = "2.1148.1") -> Path:
    """Write an app whose CDK CLI is a JavaScript program of the test's own."""
    package = directory / "node_modules" / "aws-cdk"
    (package / "bin").mkdir(parents=True)
    (package / "bin" / "cdk").write_text(source, encoding="utf-8")
    (package / "package.json").write_text(json.dumps({"version": version}), encoding="utf-8")
    (directory / "cdk.json").write_text("{}", encoding="utf-8")
    return directory


def found(directory: Path, environment: dict[str, str] | None = None) -> cdk_cli.CdkCli:
    return cdk_cli.find(directory, environment or {}, directory / "cdk.log")


def test_a_folder_without_cdk_json_is_not_an_app(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match=r"has no cdk\.json"):
        found(tmp_path)


def test_node_comes_with_the_package() -> None:
    version = subprocess.run(
        [cdk_cli.find_node(), "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert int(version.lstrip("v").split(".")[0]) >= 22


def test_without_node_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cdk_cli, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RehearsalError, match=r"Node is not installed.*cdk-vllm\[rehearse\]"):
        cdk_cli.find_node()


def test_without_the_cli_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RehearsalError, match="npm install aws-cdk@2"):
        cdk_cli.find_script(tmp_path)


@pytest.mark.parametrize("version", ["2.1146.9", "3.0.0", "1.0.0"])
def test_a_cli_that_cannot_read_the_assembly_is_refused(tmp_path: Path, version: str) -> None:
    app_with_cli(tmp_path, "", version)
    with pytest.raises(RehearsalError, match=rf"is {version}; needed is 2\.1147\.0"):
        cdk_cli.find_script(tmp_path)


def test_the_users_aws_settings_never_reach_the_cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "theirs")
    cli = found(app_with_cli(tmp_path, PRINT_ENVIRONMENT), {"AWS_REGION": "us-east-1"})
    seen = json.loads(cli.run("print"))
    assert {k: v for k, v in seen.items() if k.startswith("AWS_")} == {"AWS_REGION": "us-east-1"}
    assert seen["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_a_failure_shows_the_last_lines_and_names_the_log(tmp_path: Path) -> None:
    program = "for (let i = 0; i < 60; i++) console.log('line ' + i); process.exit(3)"
    cli = found(app_with_cli(tmp_path, program))
    with pytest.raises(RehearsalError, match="cdk deploy failed with exit code 3") as caught:
        cli.run("deploy")
    message = str(caught.value)
    assert "line 59" in message
    assert "line 10\n" not in message
    assert "line 10\n" in cli.log.read_text(encoding="utf-8")


def test_an_interrupted_run_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "require('fs').writeFileSync('pid', '' + process.pid); setTimeout(() => {}, 60000)"
    cli = found(app_with_cli(tmp_path, program))

    def interrupt(process: subprocess.Popen[str]) -> tuple[str, str]:
        while not (tmp_path / "pid").exists():
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cli.run("deploy")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text(encoding="utf-8")), 0)
