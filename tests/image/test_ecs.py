"""The ECS task as it is deployed: its user, its limits, its volumes, its words, its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.sizing import timeouts_for
from tests.image.conftest import ADAPTER, MODEL
from tests.image.container import Container, InFlight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.sizing import ServingPlan
    from tests.image.ecs import Machine

CACHE = "/var/cache/vllm"
PROMPT = {"model": MODEL, "prompt": "Once upon a time", "temperature": 0, "ignore_eos": True}
SHORT = PROMPT | {"max_tokens": 8}
LONG = PROMPT | {"max_tokens": 800}


@pytest.fixture(scope="module")
def running(
    machine: Machine, task: dict[str, Any], seconds: dict[str, float]
) -> Iterator[Container]:
    begun = time.monotonic()
    with machine.run(task) as found:
        found.wait_until_ready("/health")
        seconds["ECS task until healthy"] = time.monotonic() - begun
        yield found


def text_of(running: Container, model: str = MODEL) -> str:
    code, answer = running.ask("POST", "/v1/completions", SHORT | {"model": model})
    assert code == 200, answer
    return str(answer["choices"][0]["text"])


def mounts(running: Container) -> dict[str, list[str]]:
    """Return the mount options by path."""
    lines = [line.split() for line in running.exec("cat", "/proc/mounts").splitlines()]
    return {path: options.split(",") for _, path, _, options, *_ in lines}


def access(running: Container, path: str) -> str:
    """Return whether a path is mounted to be read ("ro") or written."""
    return mounts(running)[path][0]


def refusal(running: Container, script: str) -> str:
    """Return what a shell, as the container's user, says of a script that must fail."""
    return running.exec("bash", "-c", f"if ({script}) 2>&1; then echo DONE; fi")


def test_it_completes_for_who_has_the_key_alone(running: Container) -> None:
    assert text_of(running)
    running.headers, kept = {}, running.headers
    assert running.ask("POST", "/v1/completions", SHORT)[0] == 401
    assert running.ask("GET", "/health")[0] == 200
    running.headers = kept


def test_weights_are_streamed_with_the_credentials_of_the_task(running: Container) -> None:
    assert "Model Streamer: 100% Completed" in running.log.read_text("utf-8")
    assert "AWS_ACCESS_KEY_ID" not in running.exec("env")


def test_its_processes_have_no_privilege_and_cannot_get_one(running: Container) -> None:
    script = "grep -hE '^(Name|Uid|Gid|Cap|NoNewPrivs)' /proc/[0-9]*/status"
    found = running.exec("bash", "-c", script)
    processes = found.split("Name:")[1:]
    # The init process, the server, the engine and this shell's two.
    assert len(processes) >= 4
    for process in processes:
        lines = dict(line.split(":\t") for line in process.splitlines()[1:])
        assert lines["Uid"].split() == ["2000"] * 4, process
        assert lines["Gid"].split() == ["0"] * 4, process
        assert lines["NoNewPrivs"] == "1", process
        assert all(int(lines[name], 16) == 0 for name in lines if name.startswith("Cap")), process


def test_vllm_is_stopped_by_the_init_process_and_by_no_shell(running: Container) -> None:
    children = running.exec("cat", "/proc/1/task/1/children").split()
    (first,) = (running.exec("cat", f"/proc/{child}/cmdline").split("\0") for child in children)
    assert first[1:3] == ["/usr/local/bin/vllm", "serve"]


def test_its_limits_are_those_of_the_task(running: Container) -> None:
    found = mounts(running)
    assert found["/"][0] == "ro"
    assert "size=1048576k" in found["/dev/shm"]
    assert {"rw", "nosuid", "nodev", "noexec", "size=1048576k"} <= set(found["/tmp"])
    assert found[CACHE][0] == "rw"
    limits = [line.split() for line in running.exec("cat", "/proc/1/limits").splitlines()]
    assert ["Max", "stack", "size", "67108864", "67108864", "bytes"] in limits


@pytest.mark.parametrize("path", ["/x", "/etc/x", "/opt/cdk-vllm/x", "/usr/local/bin/x", "/var/x"])
def test_it_cannot_write_beside_its_cache(running: Container, path: str) -> None:
    assert "Read-only file system" in refusal(running, f"touch {path}")


def test_the_compile_cache_is_its_own(running: Container) -> None:
    assert running.exec("stat", "--format=%u %a", CACHE) == "2000 700"
    (found,) = running.exec("ls", f"{CACHE}/assets/model_streamer").split()
    assert "config.json" in running.exec("ls", f"{CACHE}/assets/model_streamer/{found}")


def test_it_finishes_what_runs_when_told_to_stop(
    running: Container,
    cpu_plans: dict[str, ServingPlan],
    seconds: dict[str, float],
) -> None:
    request = InFlight(running, "/v1/completions", LONG)
    running.wait_for_running(1)
    taken = running.stop()
    code, answer = request.answer()
    assert code == 200
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == LONG["max_tokens"]
    assert running.process.returncode == 0
    assert taken < timeouts_for(cpu_plans["ecs"]).stop_timeout_seconds
    seconds["ECS task from SIGTERM to its end, a request running"] = taken


def test_the_next_task_takes_weights_and_an_adapter_from_the_disk(
    running: Container, machine: Machine, task_on_disk: dict[str, Any], seconds: dict[str, float]
) -> None:
    assert running.process.poll() == 0, "the first task has ended"
    begun = time.monotonic()
    with machine.run(task_on_disk) as second:
        second.wait_until_ready("/health")
        seconds["ECS task until healthy, over the disk"] = time.monotonic() - begun
        assert {access(second, path) for path in ("/models", "/adapters")} == {"ro"}
        own = text_of(second)
        assert own
        assert text_of(second, ADAPTER) not in ("", own)
        second.stop()
        assert second.process.returncode == 0
