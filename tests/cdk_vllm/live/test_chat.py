"""What counts as an answer, and what is said of everything else."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from cdk_vllm.errors import CdkVllmError
from cdk_vllm.live import chat


def event(**chunk: Any) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def delta(text: str) -> bytes:
    return event(choices=[{"delta": {"content": text}}])


USED = event(choices=[], usage={"completion_tokens": 3})
DONE = b"data: [DONE]\n\n"


def test_the_request_asks_for_what_is_checked() -> None:
    request = json.loads(chat.body("m", max_tokens=9, stream=True))
    assert (request["model"], request["max_tokens"], request["stream"]) == ("m", 9, True)
    assert request["stream_options"] == {"include_usage": True}
    assert "stream_options" not in json.loads(chat.body("m", max_tokens=9, stream=False))


def test_a_stream_is_read_wherever_its_parts_end() -> None:
    data = delta("") + delta("Par") + b": a comment\n\n" + delta("is é") + USED + DONE
    for size in (1, 7, len(data)):
        parts = [data[i : i + size] for i in range(0, len(data), size)]
        answer = chat.streamed(parts, time.monotonic())
        assert (answer.text, answer.tokens) == ("Paris é", 3)
        assert answer.first_token_seconds is not None
        assert 0 <= answer.first_token_seconds <= answer.seconds


def test_the_first_token_is_the_first_word_not_the_first_event() -> None:
    def slow() -> Any:
        yield delta("")
        time.sleep(0.05)
        yield delta("Paris") + DONE

    answer = chat.streamed(slow(), time.monotonic())
    assert answer.first_token_seconds is not None
    assert answer.first_token_seconds >= 0.05


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (delta("half"), "broke off after .* and 4 characters"),
        (b"data: nonsense\n\n", "holds no JSON: nonsense"),
        (event(error={"message": "engine died"}), "engine died"),
        (delta(" ") + DONE, "without a word"),
    ],
)
def test_a_stream_that_is_no_answer_says_why(data: bytes, says: str) -> None:
    with pytest.raises(CdkVllmError, match=says):
        chat.streamed([data], time.monotonic())


def test_a_whole_answer_is_read_and_thoughts_count() -> None:
    message = {"content": None, "reasoning_content": "hm"}
    data = json.dumps({"choices": [{"message": message}], "usage": {"completion_tokens": 2}})
    answer = chat.whole(data.encode(), time.monotonic())
    assert (answer.text, answer.tokens, answer.first_token_seconds) == ("hm", 2, None)


@pytest.mark.parametrize("data", [b"<html>", b"{}", b'{"choices": []}', b"x" * 500])
def test_what_is_no_answer_is_shown_in_part(data: bytes) -> None:
    with pytest.raises(CdkVllmError, match="no chat completion") as caught:
        chat.whole(data, time.monotonic())
    assert len(str(caught.value)) < 260
