"""The table of metrics is what a running vLLM shows and what the image's release declares."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.catalog.metrics import engine_metrics, unknown_series
from cdk_vllm.constructs.engine_metrics import COUNTERS, GAUGES, HISTOGRAMS
from cdk_vllm.observability import AlarmThresholds
from cdk_vllm.observability.engine_alarms import engine_alarms
from tests.engine.metrics.prometheus import running
from tools.catalog_metrics import declared, scraped

if TYPE_CHECKING:
    from tests.engine.serving.replica import Replica

RUNNING, IMAGE = "0.32.0", "0.33.0"
PACKAGE = Path(__file__).parents[3] / ".venv-engine" / "vllm-for-gpus" / "vllm"
CONFIGURATION = Path(__file__).parents[3] / "observability" / "prometheus"
PROMPT = "the unmistakable words of a customer 4711"
MESSAGES = [{"role": "user", "content": PROMPT}]


def listed(version: str) -> set[str]:
    return {name for name, metric in engine_metrics().items() if version in metric.versions}


def test_the_table_is_what_the_server_shows(replica: Replica) -> None:
    text = replica.request("GET", "/metrics", key=None).data.decode()
    shown = scraped(text)
    assert set(shown) >= {name for name in listed(RUNNING) if name != "vllm:cache_config_info"}
    for name, metric in engine_metrics().items():
        if RUNNING in metric.versions and name in shown:
            assert (shown[name]["kind"], set(shown[name]["labels"])) == (
                metric.kind,
                set(metric.labels),
            ), name


def test_the_table_is_what_the_image_declares() -> None:
    assert set(declared(PACKAGE)) == listed(IMAGE)


def test_what_the_collector_sends_is_in_the_answer(replica: Replica) -> None:
    text = replica.request("GET", "/metrics", key=None).data.decode()
    for name in (*GAUGES, *COUNTERS, *HISTOGRAMS):
        assert f"# TYPE {name} " in text, name
        assert not unknown_series(name, IMAGE), name


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/completions", {"prompt": PROMPT, "max_tokens": 4}, 200),
        ("/v1/completions", {"prompt": PROMPT, "max_tokens": 4, "stream": True}, 200),
        ("/v1/chat/completions", {"messages": MESSAGES, "max_tokens": 4}, 200),
        ("/v1/completions", {"prompt": PROMPT, "model": PROMPT}, 404),
        ("/v1/completions", {"prompt": PROMPT, "max_tokens": 10**6}, 400),
        ("/v1/completions", {"prompt": PROMPT, "temperature": "hot"}, 400),
        ("/v1/chat/completions", {"messages": PROMPT}, 400),
    ],
)
def test_no_prompt_reaches_the_log(
    replica: Replica, path: str, body: dict[str, object], status: int
) -> None:
    answer = replica.request("POST", path, {"model": replica.model} | body)
    assert answer.status == status, answer.data
    log = replica.server.log.read_text("utf-8")
    assert "INFO" in log
    assert f'POST {path} HTTP/1.1" {status}' in log
    assert PROMPT not in log


def test_a_prometheus_of_ones_own_scrapes_it_as_the_documentation_says(
    replica: Replica, tmp_path: Path
) -> None:
    folder = tmp_path / "prometheus"
    shutil.copytree(CONFIGURATION, folder)
    (folder / "targets").mkdir()
    target = {
        "targets": [replica.server.url.removeprefix("http://")],
        "labels": {"service": "chat"},
    }
    (folder / "targets" / "chat.json").write_text(json.dumps([target]), "utf-8")
    with running(folder) as server:
        deadline = time.monotonic() + 60
        while not server.query('vllm:num_requests_running{service="chat"}'):
            assert time.monotonic() < deadline, (folder / "log.txt").read_text("utf-8")
            time.sleep(1)
        (up,) = server.query("up")
        assert (up["metric"]["service"], up["value"][1]) == ("chat", "1")
        while "unknown" in server.rules().values():
            assert time.monotonic() < deadline
            time.sleep(1)
        health = server.rules()
    assert set(health.values()) == {"ok"}
    assert len(health) == len(engine_alarms(AlarmThresholds()))
