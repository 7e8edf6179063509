"""Containers as processes: paths moved, variables clean, waited for with an end, then gone."""

from __future__ import annotations

import json
import os
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.errors import RehearsalError
from cdk_vllm.local.processes import Machine, Server, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cdk_vllm.local.engine import Engine

SERVE = ["vllm", "serve", "/opt/ml/model"]


@pytest.fixture
def machine(engine: Engine, tmp_path: Path) -> Machine:
    mounts = {"/opt/ml": tmp_path / "ml", "/opt/ml/model": tmp_path / "model"}
    return Machine(engine, tmp_path, mounts, {"AWS_REGION": "us-east-1"})


@pytest.fixture
def server(machine: Machine) -> Iterator[Server]:
    found = machine.start(
        [*SERVE, "--max-model-len", "16384"], {"WHERE": "/opt/ml/x:/opt/ml/model"}
    )
    yield found
    found.stop(1)


def said(server: Server) -> dict[str, Any]:
    """Return how the server was called."""
    answer: dict[str, Any] = json.loads(
        urllib.request.urlopen(f"{server.url}/v1/a", b"{}", timeout=10).read()
    )
    found: dict[str, Any] = json.loads(answer["choices"][0]["message"]["content"])
    return found


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("/opt/ml/model", "M"),
        ("/opt/ml/model/config.json", "M/config.json"),
        ('{"path":"/opt/ml/model/a"}', '{"path":"M/a"}'),
        ("--path=/opt/ml/other", "--path=L/other"),
        ("/opt/ml/models", "L/models"),
        ("s3://bucket/opt/ml/model/", "s3://bucket/opt/ml/model/"),
        ("/opt/mlx", "/opt/mlx"),
    ],
)
def test_a_containers_paths_are_moved_where_they_begin(
    text: str, moved: str, machine: Machine, tmp_path: Path
) -> None:
    expected = moved.replace("M", str(tmp_path / "model")).replace("L", str(tmp_path / "ml"))
    assert machine.moved(text) == (expected if moved != text else text)


def test_vllm_gets_its_words_for_a_cpu_on_loopback(server: Server, tmp_path: Path) -> None:
    server.wait(20)
    found = said(server)
    assert found["words"][:2] == ["serve", str(tmp_path / "model")]
    assert found["words"][2:4] == ["--max-model-len", "4096"]
    assert found["words"][-4:] == ["--host", "127.0.0.1", "--port", str(server.port)]


def test_it_gets_its_own_variables_and_none_of_ours(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "of-the-user")
    server = machine.start(SERVE, {"WHERE": "/opt/ml/x:/opt/ml/model"})
    try:
        server.wait(20)
        found = said(server)["environment"]
    finally:
        server.stop(5)
    assert found["WHERE"] == f"{tmp_path}/ml/x:{tmp_path}/model"
    assert found["AWS_REGION"] == "us-east-1"
    assert "AWS_PROFILE" not in found
    assert found["PATH"].split(os.pathsep)[0] == str(tmp_path / "bin")


def test_a_stop_ends_it_with_its_own_status(server: Server) -> None:
    server.wait(20)
    assert server.stop(10) == 0
    assert not alive(server.process.pid)


def test_what_does_not_stop_is_killed(machine: Machine) -> None:
    server = machine.start([*SERVE, "--deaf"], {})
    server.wait(20)
    assert server.stop(0.5) == -9
    assert not alive(server.process.pid)


def test_its_log_is_shown_while_it_starts(server: Server) -> None:
    lines: list[str] = []
    server.wait(20, lines.append)
    assert set(lines) <= {"", "loading the model"}
    assert lines


def test_why_it_ended_is_said(machine: Machine) -> None:
    server = machine.start([*SERVE, "--broken"], {})
    with pytest.raises(RehearsalError, match=r"ended with 1: ValueError: this model cannot be"):
        server.wait(20)


def test_waiting_has_an_end(machine: Machine) -> None:
    server = machine.start(["/bin/sleep", "60"], {})
    try:
        with pytest.raises(RehearsalError, match="does not serve after 0 s"):
            server.wait(0.1)
    finally:
        server.stop(5)


def test_a_container_that_ends_is_waited_for(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    done = machine.run(["/bin/ls", "-d", "/opt/ml/model"], {}, 10)
    assert done.stdout.strip() == str(tmp_path / "model")
    with pytest.raises(RehearsalError, match="did not end within"):
        machine.run(["/bin/sleep", "60"], {}, 0.1)


def test_a_free_port_can_be_listened_on() -> None:
    assert 1024 <= free_port() <= 65535


def alive(pid: int) -> bool:
    """Return whether a process group still has a member."""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True
