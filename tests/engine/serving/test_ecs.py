"""A replica as the ECS stack starts it: pushed, streamed from S3, called, overloaded, drained.

One vLLM serves all of these tests, in their order; the last one stops it.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.constructs.vllm_container import serve_options
from cdk_vllm.sizing import timeouts_for
from tests.engine.serving.load import Load, drain
from tests.engine.serving.replica import API_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine.serving.cloud import Cloud
    from tests.engine.serving.replica import Replica, Serving

MARK = "a-word-of-nobody-else"
CITY = {
    "type": "object",
    "properties": {"city": {"enum": ["Paris", "Rome"]}, "days": {"enum": [1, 2, 3]}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
# vLLM's own default, after which an idle connection would be a load balancer's 502.
DEFAULT_KEEP_ALIVE_SECONDS = 5


@pytest.fixture(scope="module")
def replica(serving: Serving) -> Iterator[Replica]:
    with serving.serve("chat") as found:
        yield found


def test_weights_are_streamed_from_s3(replica: Replica, cloud: Cloud) -> None:
    log = replica.server.log.read_text()
    assert "Loading safetensors using Runai Model Streamer: 100%" in log
    assert cloud.model_uri("chat") in log


@pytest.mark.parametrize("path", ["/health", "/ping", "/metrics"])
def test_the_load_balancer_and_the_alarms_need_no_key(replica: Replica, path: str) -> None:
    assert replica.request("GET", path, key=None).status == 200


@pytest.mark.parametrize("key", [None, "another"])
@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions", "/v1/embeddings"])
def test_without_the_key_nothing_is_served(replica: Replica, path: str, key: str | None) -> None:
    method = "GET" if path == "/v1/models" else "POST"
    assert replica.request(method, path, None, key).status == 401


def test_a_model_that_writes_text_has_no_embeddings(replica: Replica) -> None:
    asked = {"model": replica.model, "input": "a"}
    assert replica.request("POST", "/v1/embeddings", asked).status == 404


def test_the_model_goes_by_the_name_that_clients_know(replica: Replica) -> None:
    listed = replica.request("GET", "/v1/models").json()["data"]
    assert [model["id"] for model in listed] == ["Qwen/Qwen3-8B"]


def test_a_chat_is_answered_and_counted(replica: Replica) -> None:
    before = replica.metric("vllm:generation_tokens_total")
    answer = replica.chat(MARK, ignore_eos=True)
    assert answer["choices"][0]["message"]["role"] == "assistant"
    assert answer["usage"]["completion_tokens"] == 16
    assert replica.metric("vllm:generation_tokens_total") == before + 16


def test_a_greedy_completion_is_the_same_again(replica: Replica) -> None:
    first = replica.complete(MARK)
    assert first
    assert replica.complete(MARK) == first


def test_a_streamed_chat_ends_with_its_usage(replica: Replica) -> None:
    events = replica.stream(
        "/v1/chat/completions",
        messages=[{"role": "user", "content": MARK}],
        max_tokens=16,
        ignore_eos=True,
        stream_options={"include_usage": True},
    )
    pieces = [choice["delta"] for event in events for choice in event["choices"]]
    assert len([piece for piece in pieces if piece.get("content")]) > 1, "it came in pieces"
    assert events[-1]["usage"]["completion_tokens"] == 16


def test_an_answer_keeps_to_a_json_schema(replica: Replica) -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "trip", "schema": CITY}}
    answer = replica.chat(response_format=schema, max_tokens=400)
    found = json.loads(answer["choices"][0]["message"]["content"])
    assert found["city"] in ("Paris", "Rome")
    assert found["days"] in (1, 2, 3)


def test_a_named_tool_is_called(replica: Replica) -> None:
    function = {"name": "weather", "parameters": CITY, "strict": True}
    tool = {"type": "function", "function": function}
    choice = {"type": "function", "function": {"name": "weather"}}
    answer = replica.chat(tools=[tool], tool_choice=choice, max_tokens=400)
    (call,) = answer["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "weather"
    assert json.loads(call["function"]["arguments"])["city"] in ("Paris", "Rome")


def test_a_request_that_cannot_be_answered_is_told_so(replica: Replica) -> None:
    too_long = {"model": replica.model, "prompt": "a" * 9000, "max_tokens": 1}
    assert replica.request("POST", "/v1/completions", too_long).status == 400
    unknown = {"model": "another", "prompt": "a"}
    assert replica.request("POST", "/v1/completions", unknown).status == 404


def test_an_idle_connection_outlives_the_balancers_timeout(replica: Replica, cloud: Cloud) -> None:
    timeouts = timeouts_for(cloud.plans["chat"])
    variables = Path(f"/proc/{replica.server.process.pid}/environ").read_bytes().split(b"\0")
    kept = f"VLLM_HTTP_TIMEOUT_KEEP_ALIVE={timeouts.keep_alive_seconds}"
    assert kept.encode() in variables
    assert timeouts.keep_alive_seconds > timeouts.alb_idle_timeout_seconds
    connection = HTTPConnection("127.0.0.1", replica.server.port, timeout=30)
    try:
        assert status_of_models(connection) == 200
        first = connection.sock
        time.sleep(DEFAULT_KEEP_ALIVE_SECONDS + 1.5)
        assert status_of_models(connection) == 200
        assert connection.sock is first, "the server closed it in between"
    finally:
        connection.close()


def status_of_models(connection: HTTPConnection) -> int:
    """Ask on a connection that may be there already, and read the whole answer."""
    connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {API_KEY}"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_what_is_too_much_is_refused_at_once_and_the_rest_answered(
    replica: Replica, cloud: Cloud
) -> None:
    limit = int(serve_options(cloud.plans["chat"])["max_num_queued_reqs"])
    asked = {"model": replica.model, "prompt": "a", "max_tokens": 200, "ignore_eos": True}
    with ThreadPoolExecutor(limit + 40) as pool:
        answers = list(
            pool.map(lambda _: replica.request("POST", "/v1/completions", asked), range(limit + 40))
        )
    refused = [answer for answer in answers if answer.status == 503]
    answered = [answer for answer in answers if answer.status == 200]
    assert refused
    assert len(answered) >= limit
    assert len(answered) + len(refused) == len(answers)
    assert replica.metric("vllm:admission_rejections_total") == len(refused)
    assert replica.request("GET", "/health").status == 200
    assert replica.complete()


def test_a_stop_under_load_loses_nothing_and_exits_with_0(replica: Replica, cloud: Cloud) -> None:
    timeouts = timeouts_for(cloud.plans["chat"])
    stop_timeout = timeouts.stop_timeout_seconds
    drained = drain(replica, lambda: replica.server.stop(stop_timeout), Load())
    assert drained.lost == ()
    assert drained.status == 0
    assert drained.in_flight >= Load().at_once // 2


def test_the_log_holds_no_prompt_and_no_key(replica: Replica) -> None:
    log = replica.server.log.read_text()
    assert "Application shutdown complete" in log
    assert MARK not in log
    assert API_KEY not in log
