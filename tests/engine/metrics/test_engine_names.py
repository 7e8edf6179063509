"""The table of metrics is what a running vLLM shows and what the image's release declares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cdk_vllm.catalog.metrics import engine_metrics, unknown_series
from cdk_vllm.constructs.engine_metrics import COUNTERS, GAUGES, HISTOGRAMS
from tools.catalog_metrics import declared, scraped

if TYPE_CHECKING:
    from tests.engine.serving.replica import Replica

RUNNING, IMAGE = "0.32.0", "0.33.0"
PACKAGE = Path(__file__).parents[3] / ".venv-engine" / "vllm-for-gpus" / "vllm"
PROMPT = "the unmistakable words of a customer 4711"


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


def test_no_prompt_reaches_the_log(replica: Replica) -> None:
    replica.complete(PROMPT)
    replica.chat(PROMPT)
    refused = replica.request("POST", "/v1/completions", {"model": PROMPT, "prompt": PROMPT})
    assert refused.status == 404
    log = replica.server.log
    assert PROMPT not in (log.read_text("utf-8") if isinstance(log, Path) else str(log))
