"""Requests that are being answered while a replica stops, as behind a load balancer.

A draining vLLM still listens and answers new requests with an error, so the order matters: first
the target is taken out of service and gets nothing new, then the container is told to stop.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.engine.serving.replica import events

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.serving.replica import Replica

ACCEPTED_SECONDS = 180.0


@dataclass(frozen=True)
class Load:
    """How many completions at once, every second one streamed, of how many tokens, sent where."""

    at_once: int = 24
    tokens: int = 1000
    path: str = "/v1/completions"

    def whole(self, replica: Replica, number: int) -> str:
        """Send one completion and return "", or what is missing of its answer."""
        streamed = number % 2 == 1
        asked: dict[str, Any] = {
            "model": replica.model,
            "prompt": f"{number}: the quick brown fox",
            "max_tokens": self.tokens,
            "ignore_eos": True,
            "stream": streamed,
        }
        if streamed:
            asked["stream_options"] = {"include_usage": True}
        try:
            answer = replica.request("POST", self.path, asked)
            told = events(answer.data) if streamed else [answer.json()]
            made = told[-1]["usage"]["completion_tokens"]
        except Exception as error:  # whatever a client may see is a lost request
            return f"{number}: {type(error).__name__}: {error}"
        complete = answer.status == 200 and made == self.tokens
        return "" if complete else f"{number}: {answer.status}, {made} of {self.tokens} tokens"


@dataclass(frozen=True)
class Drained:
    """How a replica stopped: its exit status, the requests in flight then, and the lost ones."""

    status: int
    in_flight: int
    lost: tuple[str, ...]
    seconds: float


def drain(replica: Replica, stop: Callable[[], int], load: Load) -> Drained:
    """Stop a replica once it has accepted all of a load, most of which it still answers."""
    with ThreadPoolExecutor(load.at_once) as pool:
        sent = [pool.submit(load.whole, replica, number) for number in range(load.at_once)]
        in_flight = _accepted(replica, sent)
        begun = time.monotonic()
        status = stop()
        seconds = time.monotonic() - begun
        lost = tuple(why for future in sent if (why := future.result()))
    return Drained(status, in_flight, lost, seconds)


def _accepted(replica: Replica, sent: list[Future[str]]) -> int:
    """Wait until every request is running or answered, and return how many are running."""
    end = time.monotonic() + ACCEPTED_SECONDS
    while time.monotonic() < end:
        answered = sum(future.done() for future in sent)
        running = replica.metric("vllm:num_requests_running")
        if running and running + answered >= len(sent):
            return int(running)
        time.sleep(0.02)
    raise AssertionError(f"not all requests were accepted within {ACCEPTED_SECONDS:.0f} s")
