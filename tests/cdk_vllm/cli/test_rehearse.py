"""`cdk-vllm rehearse` as it is typed: from an installed wheel, on an app that is not ours."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

THEIR_APP = """
import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

app = cdk.App()
stack = cdk.Stack(app, "Theirs")
sns.Topic(stack, "Topic", display_name="theirs")
s3.Bucket(stack, "Bucket", versioned=True, removal_policy=cdk.RemovalPolicy.RETAIN)
app.synth()
"""


@pytest.fixture(scope="module")
def their_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "app.py").write_text(THEIR_APP, encoding="utf-8")
    (folder / "cdk.json").write_text('{"app": "python3 app.py"}', encoding="utf-8")
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return folder


@pytest.fixture(scope="module")
def installed_command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, install it into an environment of its own, and return its command."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    install: list[str | Path] = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--python",
        python,
        wheel,
    ]
    subprocess.run(install, check=True)
    # The wheel's requirements come from this environment's site-packages; the checkout does not,
    # because a .pth file there is not read again.
    (site,) = (venv / "lib").glob("python*/site-packages")
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (site / "requirements.pth").write_text("\n".join(ours), encoding="utf-8")
    return venv / "bin" / "cdk-vllm"


def run(command: list[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )


def test_an_installed_wheel_rehearses_an_app_that_is_not_ours(
    installed_command: Path, their_app: Path
) -> None:
    program = "import cdk_vllm; print(cdk_vllm.__file__)"
    where = run([installed_command.with_name("python"), "-c", program], their_app).stdout
    assert Path(where.strip()).is_relative_to(installed_command.parents[1])
    done = run([installed_command, "rehearse", "--json"], their_app)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["passed"]
    types = {r["resource_type"]: r["outcome"] for r in report["stacks"]["Theirs"]["resources"]}
    assert types["AWS::SNS::Topic"] == types["AWS::S3::Bucket"] == "served"
    names = {check["name"] for check in report["checks"]}
    assert "what must be retained was retained" in names


def test_the_wheel_holds_the_facts_and_the_container(installed_command: Path) -> None:
    (package,) = installed_command.parents[1].glob("lib/python*/site-packages/cdk_vllm")
    assert (package / "catalog" / "prices.toml").is_file()
    assert (package / "_container" / "Dockerfile").is_file()
    assert (package / "py.typed").is_file()


def test_a_busy_port_is_one_sentence(their_app: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        command: list[str | Path] = [sys.executable, "-m", "cdk_vllm", "rehearse", "--port", port]
        done = run(command, their_app)
    assert done.returncode == 4
    assert f"port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_kept_it_prints_how_to_talk_to_it_and_ends_with_a_signal(their_app: Path) -> None:
    command = [sys.executable, "-m", "cdk_vllm", "rehearse", "--keep"]
    with subprocess.Popen(
        command, cwd=their_app, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        exports = {}
        for line in process.stdout:
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                exports[name] = value
            if line.startswith("Ctrl-C"):
                break
        listed = run([sys.executable, "-c", LIST_STACKS, json.dumps(exports)], their_app)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(timeout=30) == 0
    assert "Theirs" in listed.stdout, listed.stderr
    port = int(exports["AWS_ENDPOINT_URL"].rpartition(":")[2])
    time.sleep(0.1)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


LIST_STACKS = """
import json, os, sys
os.environ.update(json.loads(sys.argv[1]))
import boto3
print([stack["StackName"] for stack in boto3.client("cloudformation").describe_stacks()["Stacks"]])
"""
