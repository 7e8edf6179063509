"""A running container, its output and its end."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from tests.image.podman import environment, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

START_SECONDS = 600
END_SECONDS = 120
REQUEST_SECONDS = 120


@dataclass
class Container:
    """One container in the foreground of a child process, which ends when it does."""

    name: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Return the status and the JSON (or nothing) that a request is answered with."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_SECONDS)
        try:
            text = None if body is None else json.dumps(body)
            headers = {"Content-Type": "application/json", **self.headers}
            connection.request(method, path, text, headers)
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        is_json = said and answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(said) if is_json else None

    def wait_until_ready(self, path: str) -> set[int]:
        """Wait for 200 from `path`; return the other statuses it answered with before."""
        before: set[int] = set()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.end_of_log()
            try:
                status, _ = self.ask("GET", path)
            except OSError:
                time.sleep(0.25)
                continue
            if status == 200:
                return before
            before.add(status)
        raise AssertionError(f"not ready in {START_SECONDS} s\n{self.end_of_log()}")

    def wait_for_running(self, number: int) -> None:
        """Wait until the engine works on as many requests."""
        deadline = time.monotonic() + REQUEST_SECONDS
        while self._running() < number:
            assert time.monotonic() < deadline, self.end_of_log()
            time.sleep(0.1)

    def _running(self) -> int:
        with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=REQUEST_SECONDS) as answer:
            (found,) = re.findall(rb"^vllm:num_requests_running{.*} (\S+)$", answer.read(), re.M)
        return int(float(found))

    def exec(self, *words: str) -> str:
        """Return what a command in the container prints."""
        return run("podman", "exec", self.name, *words)

    def stop(self) -> float:
        """Tell it to stop as the platform does, and return how many seconds it took."""
        begun = time.monotonic()
        run("podman", "stop", self.name)
        self.process.wait(timeout=END_SECONDS)
        return time.monotonic() - begun

    def end_of_log(self) -> str:
        """Return the last of what it printed."""
        return self.log.read_text("utf-8", "replace")[-6000:]


@contextmanager
def container(name: str, words: Sequence[str], log: Path, *, port: int = 0) -> Iterator[Container]:
    """Run `podman run WORDS` and remove the container at the end, whatever state it is in."""
    command = ["podman", "run", "--rm", "--name", name, *words]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment()
        )
    try:
        yield Container(name, port, log, process)
    finally:
        run("podman", "rm", "--force", "--ignore", "--time", "0", name)
        process.wait(timeout=END_SECONDS)


class InFlight:
    """A request that is being answered while something else happens."""

    def __init__(self, of: Container, path: str, body: object) -> None:
        """Send it now."""
        self._answer: tuple[int, Any] | BaseException | None = None
        self._thread = threading.Thread(target=self._ask, args=(of, path, body))
        self._thread.start()

    def _ask(self, of: Container, path: str, body: object) -> None:
        try:
            self._answer = of.ask("POST", path, body)
        except OSError as error:
            self._answer = error

    def answer(self) -> tuple[int, Any]:
        """Wait for the answer."""
        self._thread.join(REQUEST_SECONDS)
        assert isinstance(self._answer, tuple), repr(self._answer)
        return self._answer
