"""Over HTTP: the key, the way there, and what is said when there is none."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from cdk_vllm.errors import CdkVllmError
from cdk_vllm.live import chat, over_http, port_forwarding


def ask(url: str, key: str = "secret", *, stream: bool = True, **more: Any) -> chat.Answer:
    request = chat.body("m", max_tokens=8, stream=stream)
    return over_http.ask(url, key, request, stream=stream, **{"seconds": 10, **more})


@pytest.mark.parametrize("stream", [False, True])
def test_the_key_is_sent_and_the_answer_read(chat_api: Any, stream: bool) -> None:
    chat_api.key = "secret"
    answer = ask(f"{chat_api.url}/v1", stream=stream)
    assert answer.text == "The capital is Paris."
    assert answer.tokens == 5
    ((path, headers, body),) = chat_api.seen
    assert (path, body["stream"]) == ("/v1/chat/completions", stream)
    assert headers["authorization"] == "Bearer secret"
    if stream:
        assert answer.first_token_seconds is not None
        assert answer.first_token_seconds < answer.seconds


def test_a_port_here_leads_to_a_host_there(chat_api: Any) -> None:
    port = urlsplit(chat_api.url).port
    assert ask("http://internal-alb.example/v1", port_here=port).text
    assert chat_api.seen[0][1]["host"] == "internal-alb.example"


def test_a_wrong_key_is_refused_by_the_server(chat_api: Any) -> None:
    chat_api.key = "other"
    with pytest.raises(CdkVllmError, match=r"answered 401: .*Unauthorized"):
        ask(f"{chat_api.url}/v1")


def test_a_stream_that_breaks_off_is_no_answer(chat_api: Any) -> None:
    chat_api.breaks_off = True
    with pytest.raises(CdkVllmError, match="broke off"):
        ask(f"{chat_api.url}/v1")


def test_an_address_nobody_listens_on_is_unreachable() -> None:
    url = f"http://127.0.0.1:{port_forwarding.free_port()}/v1"
    with pytest.raises(over_http.UnreachableError, match="nothing answers"):
        ask(url)


def test_a_server_that_says_nothing_is_waited_for_no_longer_than_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with pytest.raises(CdkVllmError, match="sent nothing for 0 s"):
            ask(url, seconds=0.2)
