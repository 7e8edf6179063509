"""Runs a container's words as processes of this machine: its folders moved, its engine on a CPU."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import RehearsalError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cdk_vllm.local.engine import Engine

ADDRESS = "127.0.0.1"
START_SECONDS = 600.0
STEP_SECONDS = 0.25
ON_CPU = Path(__file__).with_name("on_cpu.py")
SMALL_KV_CACHE_BYTES = 64 * 1024**2  # a small model's cache of 100,000 tokens
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Machine:
    """What stands in for a container's machine: an engine, a folder, and folders for mounts.

    `mounts` maps a path inside the container to a folder here; a longer path wins. `environment` is
    what the platform gives every container: where AWS is, and whose credentials.
    """

    engine: Engine
    directory: Path
    mounts: Mapping[str, Path]
    environment: Mapping[str, str] = field(default_factory=dict)
    kv_cache_bytes: int = SMALL_KV_CACHE_BYTES

    def moved(self, text: str) -> str:
        """Return a word, a value or a script with the container's paths replaced.

        A path counts where it begins: `/adapters` in `s3://bucket/adapters/` is none.
        """
        if not self.mounts:
            return text
        inside = "|".join(map(re.escape, sorted(self.mounts, key=len, reverse=True)))
        return re.sub(
            rf"(?<![\w./-])(?:{inside})(?![\w-])", lambda at: str(self.mounts[at[0]]), text
        )

    def run(
        self, words: list[str], environment: Mapping[str, str], seconds: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a container to its end, whatever that is; `RehearsalError` where it does not end."""
        try:
            return subprocess.run(
                [self.moved(word) for word in words],
                env=self._environment(environment),
                cwd=self.directory,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RehearsalError(f"{words[:2]} did not end within {seconds:.0f} seconds") from None

    def start(self, words: list[str], environment: Mapping[str, str]) -> Server:
        """Start a container that calls `vllm`, which then serves at a free port of 127.0.0.1."""
        port = free_port()
        self._put_vllm_on_path(port)
        log = self.directory / f"vllm-{port}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [self.moved(word) for word in words],
                env=self._environment(environment),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Server(process, port, log)

    def _environment(self, container: Mapping[str, str]) -> dict[str, str]:
        own = {name: self.moved(value) for name, value in container.items()}
        path = [str(self._programs), str(self.engine.python.parent), SYSTEM_PATH]
        return {**self.environment, **own, "PATH": os.pathsep.join(path)}

    @property
    def _programs(self) -> Path:
        return self.directory / "bin"

    def _put_vllm_on_path(self, port: int) -> None:
        self._programs.mkdir(exist_ok=True)
        program = self._programs / "vllm"
        words = shlex.join(
            [str(self.engine.python), str(ON_CPU), str(port), str(self.kv_cache_bytes)]
        )
        program.write_text(f'#!/bin/sh\nexec {words} "$@"\n', "utf-8")
        program.chmod(0o700)


@dataclass
class Server:
    """A started vLLM: its process, the leader of a session of its own, its port, and its log."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://{ADDRESS}:{self.port}"

    def wait(
        self, seconds: float = START_SECONDS, on_line: Callable[[str], None] = lambda _: None
    ) -> None:
        """Wait until it serves, showing its log's last line; raises `RehearsalError`."""
        end = time.monotonic() + seconds
        while not self._healthy():
            on_line(self._last_line())
            if self.process.poll() is not None:
                raise RehearsalError(f"vLLM ended with {self.process.returncode}: {self._why()}")
            if time.monotonic() > end:
                raise RehearsalError(f"vLLM does not serve after {seconds:.0f} s: {self._why()}")
            time.sleep(STEP_SECONDS)

    def stop(self, seconds: float = 30.0) -> int:
        """Ask it to stop, kill what is left after `seconds`, and return its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return -signal.SIGKILL
        finally:
            self._kill_session()

    def _kill_session(self) -> None:
        """A worker outlives a killed parent; all of them are in one process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _healthy(self) -> bool:
        try:
            with _open(f"{self.url}/health", 2.0) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _lines(self) -> list[str]:
        return self.log.read_text("utf-8", errors="replace").splitlines()

    def _last_line(self) -> str:
        return (self._lines() or [""])[-1]

    def _why(self) -> str:
        """Return the last error in its log: the line a person would look for."""
        lines = [line for line in self._lines() if line.strip()]
        errors = [line for line in lines if "Error" in line]
        return f"{(errors or lines or ['it said nothing'])[-1].strip()} (the log is {self.log})"


def _open(url: str, seconds: float) -> Any:
    """Open a loopback address, whatever proxy the user's environment names."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(url, timeout=seconds)
