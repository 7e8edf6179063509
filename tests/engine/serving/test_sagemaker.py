"""A replica as SageMaker starts it: its entry point, `SM_VLLM_` variables, a model in a folder.

One vLLM serves all of these tests, in their order; the last one stops it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from tests.engine.serving.load import Load, drain
from tests.engine.serving.replica import Replica

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine.serving.cloud import Cloud
    from tests.engine.serving.models import Models
    from tests.engine.serving.replica import Serving

CHAT = [{"role": "user", "content": "What does an endpoint do?"}]
GREEDY = {"prompt": "The quick brown", "max_tokens": 8, "temperature": 0, "ignore_eos": True}
# What an endpoint's adapter adds to its model. Source: `ModelComponent.add_adapter`.
ADAPTERS = {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"}
HEADER = "X-Amzn-SageMaker-Adapter-Identifier"
START_SECONDS = 600.0
# SageMaker kills after 30 s, and the container has to be gone well before.
STOP_SECONDS = 25.0


@pytest.fixture(scope="module")
def pings() -> list[int]:
    """What `/ping` said from the start on, and then the first invocation; 0 is no answer."""
    return []


@pytest.fixture(scope="module")
def replica(serving: Serving, cloud: Cloud, pings: list[int]) -> Iterator[Replica]:
    machine = serving.machine()
    serving.prepare(machine, "summaries")
    server = serving.start(machine, "summaries", environment=ADAPTERS)
    try:
        found = Replica(server, str(cloud.plans["summaries"].engine_args["served_model_name"]))
        end = time.monotonic() + START_SECONDS
        while 200 not in pings:
            assert server.process.poll() is None, server.log.read_text()[-3000:]
            assert time.monotonic() < end
            pings.append(ping(found))
            time.sleep(0.05)
        pings.append(invoke(found, GREEDY).status)
        yield found
    finally:
        server.stop()


def ping(replica: Replica) -> int:
    """Return the status of `/ping`, or 0 where nobody listens yet."""
    try:
        return replica.request("GET", "/ping", key=None).status
    except urllib3.exceptions.HTTPError:
        return 0


def invoke(replica: Replica, body: dict[str, Any], **headers: str) -> urllib3.BaseHTTPResponse:
    """Send an invocation as SageMaker passes it on: with its header, without any key."""
    return replica.request("POST", "/invocations", body, key=None, **headers)


def test_ping_says_200_only_once_an_invocation_is_answered(
    replica: Replica, pings: list[int]
) -> None:
    assert pings[0] == 0, "it was asked from the beginning"
    assert pings[-2:] == [200, 200]
    assert set(pings[:-2]) <= {0, 503}


def test_an_invocation_may_be_a_chat(replica: Replica) -> None:
    answer = invoke(replica, {"messages": CHAT, "max_tokens": 8, "ignore_eos": True}).json()
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "mistralai/Mistral-7B-v0.1"
    assert answer["usage"]["completion_tokens"] == 8


def test_an_invocation_may_be_a_completion(replica: Replica) -> None:
    answer = invoke(replica, GREEDY).json()
    assert answer["object"] == "text_completion"
    assert answer["usage"]["completion_tokens"] == 8


def test_an_invocation_may_be_streamed(replica: Replica) -> None:
    usage = {"include_usage": True}
    events = replica.stream("/invocations", messages=CHAT, max_tokens=8, stream_options=usage)
    assert len(events) > 2
    assert 0 < events[-1]["usage"]["completion_tokens"] <= 8


def test_nonsense_is_refused(replica: Replica) -> None:
    assert invoke(replica, {"inputs": "a"}).status == 400


def test_an_adapter_is_chosen_by_sagemakers_header(replica: Replica, models: Models) -> None:
    (folder,) = models.adapters({"by-header": {"seed": 41, "model": models.llama}}).values()
    before = invoke(replica, GREEDY).json()["choices"][0]["text"]
    assert invoke(replica, GREEDY, **{HEADER: "medical"}).status == 404
    registered = {"name": "medical", "src": str(folder)}
    assert replica.request("POST", "/adapters", registered, key=None).status == 200
    answer = invoke(replica, GREEDY, **{HEADER: "medical"}).json()
    assert answer["model"] == "medical"
    assert answer["choices"][0]["text"] != before
    assert invoke(replica, GREEDY).json()["choices"][0]["text"] == before


def test_a_stop_under_load_loses_nothing_and_exits_with_0(replica: Replica, cloud: Cloud) -> None:
    # SageMaker kills after 30 s, so an answer has to be short.
    at_once = int(cloud.plans["summaries"].engine_args["max_num_seqs"])
    load = Load(at_once=at_once, tokens=400, path="/invocations")
    drained = drain(replica, lambda: replica.server.stop(STOP_SECONDS), load)
    assert drained.lost == ()
    assert drained.status == 0
    assert drained.in_flight >= at_once // 2
    assert drained.seconds < STOP_SECONDS
