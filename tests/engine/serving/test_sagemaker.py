"""A replica as SageMaker starts it: its entry point, `SM_VLLM_` variables, a model in a folder.

One vLLM serves all of these tests, in their order; the last one stops it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_vllm.sizing.timeouts import SAGEMAKER_KILL_SECONDS
from tests.engine.serving.load import Load, drain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine.serving.cloud import Cloud
    from tests.engine.serving.replica import Replica, Serving

CHAT = [{"role": "user", "content": "What does an endpoint do?"}]


@pytest.fixture(scope="module")
def replica(serving: Serving) -> Iterator[Replica]:
    with serving.serve("summaries") as found:
        yield found


def test_it_is_healthy_where_sagemaker_asks(replica: Replica) -> None:
    assert replica.request("GET", "/ping", key=None).status == 200


def test_an_invocation_may_be_a_chat(replica: Replica) -> None:
    asked = {"messages": CHAT, "max_tokens": 8, "ignore_eos": True}
    answer = replica.request("POST", "/invocations", asked, key=None).json()
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "mistralai/Mistral-7B-v0.1"
    assert answer["usage"]["completion_tokens"] == 8


def test_an_invocation_may_be_a_completion(replica: Replica) -> None:
    asked = {"prompt": "a", "max_tokens": 8, "ignore_eos": True}
    answer = replica.request("POST", "/invocations", asked, key=None).json()
    assert answer["object"] == "text_completion"
    assert answer["usage"]["completion_tokens"] == 8


def test_an_invocation_may_be_streamed(replica: Replica) -> None:
    usage = {"include_usage": True}
    events = replica.stream("/invocations", messages=CHAT, max_tokens=8, stream_options=usage)
    assert len(events) > 2
    assert 0 < events[-1]["usage"]["completion_tokens"] <= 8


def test_nonsense_is_refused(replica: Replica) -> None:
    assert replica.request("POST", "/invocations", {"inputs": "a"}, key=None).status == 400


def test_a_stop_under_load_loses_nothing_and_exits_with_0(replica: Replica, cloud: Cloud) -> None:
    # SageMaker kills after 30 s, so an answer has to be short.
    at_once = int(cloud.plans["summaries"].engine_args["max_num_seqs"])
    load = Load(at_once=at_once, tokens=400, path="/invocations")
    drained = drain(replica, lambda: replica.server.stop(SAGEMAKER_KILL_SECONDS), load)
    assert drained.lost == ()
    assert drained.status == 0
    assert drained.in_flight >= at_once // 2
