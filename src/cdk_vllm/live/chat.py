"""One chat request, and what is made of its answer, whoever carries it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import CdkVllmError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

QUESTION = "What is the capital of France? Answer in one short sentence."


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back; seconds from sending the request, `first_token_seconds` only of a stream."""

    text: str
    tokens: int
    seconds: float
    first_token_seconds: float | None = None


def body(model: str, *, max_tokens: int, stream: bool) -> bytes:
    """Return the request that the OpenAI-compatible chat route takes: the same words each time."""
    request: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": QUESTION}],
        "max_tokens": max_tokens,
        "seed": 0,
        "stream": stream,
    }
    if stream:
        request["stream_options"] = {"include_usage": True}
    return json.dumps(request).encode()


def whole(data: bytes, begun: float) -> Answer:
    """Read a whole answer that was asked for at `begun`, by the monotonic clock."""
    try:
        answer = json.loads(data)
        message = answer["choices"][0]["message"]
        text = message.get("content") or message.get("reasoning_content") or ""
        tokens = int(answer["usage"]["completion_tokens"])
    except (ValueError, KeyError, IndexError, TypeError):
        raise CdkVllmError(f"the answer is no chat completion: {_start(data)}") from None
    return _checked(Answer(text=text, tokens=tokens, seconds=time.monotonic() - begun))


def streamed(parts: Iterable[bytes], begun: float) -> Answer:
    """Read a stream of server-sent events that was asked for at `begun`.

    Raises:
        CdkVllmError: the stream is none, holds an error, or ends before `[DONE]`.
    """
    text, tokens, first = "", 0, None
    for event in _events(parts):
        if event == "[DONE]":
            seconds = time.monotonic() - begun
            return _checked(
                Answer(text=text, tokens=tokens, seconds=seconds, first_token_seconds=first)
            )
        said, used = _read(event)
        if said and first is None:
            first = time.monotonic() - begun
        text, tokens = text + said, used or tokens
    raise CdkVllmError(
        f"the stream broke off after {time.monotonic() - begun:.1f} s and {len(text)} characters"
    )


def _events(parts: Iterable[bytes]) -> Iterator[str]:
    """Yield the data of each event; parts may end anywhere, inside a character too."""
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line.removeprefix(b"data:").strip().decode(errors="replace")
    if rest.startswith(b"data:"):
        yield rest.removeprefix(b"data:").strip().decode(errors="replace")


def _read(event: str) -> tuple[str, int]:
    try:
        chunk = json.loads(event)
        if "error" in chunk:
            raise CdkVllmError(f"the stream holds an error: {_start(event.encode())}")
        deltas = [choice.get("delta", {}) for choice in chunk.get("choices", [])]
        tokens = int((chunk.get("usage") or {}).get("completion_tokens", 0))
    except (ValueError, AttributeError, TypeError):
        raise CdkVllmError(f"the stream holds no JSON: {_start(event.encode())}") from None
    said = "".join(d.get("content") or d.get("reasoning_content") or "" for d in deltas)
    return said, tokens


def _checked(answer: Answer) -> Answer:
    if not answer.text.strip():
        raise CdkVllmError(
            f"the model answered without a word after {answer.seconds:.1f} s; if it reasons first, "
            "give it more --max-tokens"
        )
    return answer


def _start(data: bytes) -> str:
    text = data.decode(errors="replace").strip()
    return text if len(text) <= 200 else text[:200] + "..."
