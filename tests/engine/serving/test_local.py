"""`cdk-vllm local` as a user types it: what it prints is run as it stands."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.local.engine import Engine

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "cdk_vllm", "local"]
SECONDS = 900


class Printed(NamedTuple):
    """A running command, and the two things it says can be run."""

    process: subprocess.Popen[str]
    folder: Path
    port: int
    curl: str
    program: str


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Printed]:
    folder, progress = tmp_path_factory.mktemp("local"), tmp_path_factory.mktemp("said") / "stderr"
    with progress.open("w") as output:
        process = subprocess.Popen(
            [*COMMAND, "dev", "chat"],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    try:
        lines = []
        for line in process.stdout:
            if line.startswith("Ctrl-C"):
                break
            lines.append(line)
        assert lines, progress.read_text()[-3000:]
        head, curl, program = "".join(lines).split("\n\n", 2)
        yield Printed(process, folder, int(head.rpartition(":")[2].split()[0]), curl, program)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def test_the_command_line_that_is_printed_works(printed: Printed) -> None:
    done = subprocess.run(
        printed.curl, shell=True, capture_output=True, text=True, check=True, timeout=120
    )
    assert '"chat.completion"' in done.stdout
    assert "Qwen/Qwen3-8B" in done.stdout


def test_the_program_that_is_printed_works(printed: Printed, engine: Engine) -> None:
    done = subprocess.run(
        [engine.python, "-"],
        input=printed.program,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_it_listens_on_loopback_only(printed: Printed) -> None:
    listening = Path("/proc/net/tcp").read_text().splitlines()
    own = f":{printed.port:04X}"
    addresses = {line.split()[1] for line in listening if line.split()[3] == "0A"}
    assert {address for address in addresses if address.endswith(own)} == {f"0100007F{own}"}


def test_ctrl_c_ends_it_and_leaves_nothing(printed: Printed) -> None:
    os.kill(printed.process.pid, signal.SIGINT)
    assert printed.process.wait(120) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", printed.port)) != 0
    assert running_in(str(printed.folder)) == []
    assert list(printed.folder.iterdir()) == []


def test_a_sagemaker_service_is_served_and_asked_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("local")
    done = subprocess.run(
        [*COMMAND, "dev", "summaries", "--once"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert "/invocations" in done.stdout
    assert "start vLLM on the CPU" in done.stderr
    assert done.stdout.rpartition("print(answer.choices[0].message.content)\n")[2].strip()
    assert list(folder.iterdir()) == []


def running_in(folder: str) -> list[str]:
    """Return the command lines of processes that mention a folder of temporary files."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        if folder in words:
            found.append(words)
    return found
