"""Debian's Prometheus, fed with the recordings: its rule tester, and its server on loopback."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.recorded.series import SCENARIOS, SCRAPE_SECONDS, Series, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = 1_800_000_000
"""When every recording begins: only differences of time matter."""
REPLICA = {"instance": "replica-1", "job": "vllm"}


def tool(name: str) -> str:
    """Return the path of `prometheus` or `promtool`."""
    found = shutil.which(name)
    assert found, f"{name} is missing: apt-get install --no-install-recommends prometheus"
    return found


def scraped(scenario: str) -> list[Series]:
    """Return what a Prometheus would have stored: the engine's series under a replica's labels."""
    more = {"service": scenario, **REPLICA}
    return [
        Series(series.name, series.labels | more, series.values)
        for series in recorded(scenario)
        if not series.name.startswith("client_")
    ]


def identity(series: Series) -> str:
    """Return a series as PromQL writes it."""
    return series.name + "{" + ",".join(f'{k}="{v}"' for k, v in series.labels.items()) + "}"


def rules_pass(rules: dict[str, Any], tests: list[dict[str, Any]], folder: Path) -> str:
    """Return what `promtool test rules` has to say against the expectations; empty if nothing."""
    (folder / "rules.json").write_text(json.dumps(rules), "utf-8")
    file = folder / "tests.json"
    content = {"rule_files": ["rules.json"], "evaluation_interval": "15s", "tests": tests}
    file.write_text(json.dumps(content), "utf-8")
    done = subprocess.run(
        [tool("promtool"), "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def input_series(scenario: str) -> list[dict[str, str]]:
    """Return a recording as a rule test's input."""
    return [
        {
            "series": identity(series),
            "values": " ".join(_notation(series.values)),
        }
        for series in scraped(scenario)
    ]


def _notation(values: list[float | None]) -> Iterator[str]:
    """A failed scrape ends a series at once, by Prometheus's own marker; it does not linger."""
    seen = False
    for value in values:
        if value is None:
            yield "stale" if seen else "_"
        else:
            yield f"{value:.10g}"
        seen = value is not None


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    url: str

    def query(self, expression: str, at: float | None = None) -> list[dict[str, Any]]:
        """Return an instant query's series, of now where no time is given."""
        asked = {"query": expression} | ({} if at is None else {"time": str(at)})
        found: list[dict[str, Any]] = self._get("query", asked)["result"]
        return found

    def rules(self) -> dict[str, str]:
        """Return the health of each alerting rule by its name."""
        groups = self._get("rules", {})["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    def _get(self, path: str, asked: dict[str, str]) -> Any:
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(asked)}"
        try:
            with urllib.request.urlopen(url) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{asked}: {error.read().decode()}") from error


@contextmanager
def with_recordings(folder: Path) -> Iterator[Prometheus]:
    """Start a server over all recordings, and stop it."""
    (folder / "series.txt").write_text(_openmetrics(), "utf-8")
    subprocess.run(
        [tool("promtool"), "tsdb", "create-blocks-from", "openmetrics", "series.txt", "data"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (folder / "prometheus.json").write_text("{}", "utf-8")
    with running(folder) as server:
        yield server


@contextmanager
def running(folder: Path) -> Iterator[Prometheus]:
    """Start a server in a folder that holds its `prometheus.json`, and stop it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        tool("prometheus"),
        "--config.file=prometheus.json",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address={address}",
    ]
    with (folder / "log.txt").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        _wait(f"http://{address}/-/ready", server, folder / "log.txt")
        yield Prometheus(f"http://{address}")
    finally:
        server.terminate()
        server.wait(30)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url):
                return
        except OSError:
            assert server.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < deadline, log.read_text("utf-8")
            time.sleep(0.2)


def _openmetrics() -> str:
    """Return all recordings as one exposition with times; families must stand together."""
    lines: dict[str, list[str]] = {}
    for scenario in SCENARIOS:
        for series in scraped(scenario):
            name = identity(series)
            lines.setdefault(series.name, []).extend(
                f"{name} {value:.10g} {START + place * SCRAPE_SECONDS}"
                for place, value in enumerate(series.values)
                if value is not None
            )
    body = "\n".join(line for name in sorted(lines) for line in lines[name])
    return f"{body}\n# EOF\n"
