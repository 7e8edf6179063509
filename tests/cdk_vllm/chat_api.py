"""An HTTP server that speaks vLLM's chat API, for tests of everything in front of an engine."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = ("The", " capital", " is", " Paris", ".")
PAUSE_SECONDS = 0.02


@dataclass
class ChatApi:
    """Where the server is, what it was sent, and how it is to behave."""

    url: str = ""
    key: str = ""
    status: int = 200
    words: tuple[str, ...] = WORDS
    breaks_off: bool = False
    seen: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    api: ChatApi

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length) or b"{}")
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.api.seen.append((self.path, headers, body))
        if self.api.key and headers.get("authorization") != f"Bearer {self.api.key}":
            self.answer(401, {"error": "Unauthorized"})
        elif self.api.status != 200:
            status = self.api.status
            self.answer(status, {"error": {"message": "no", "code": status}})
        elif body.get("stream"):
            self.stream()
        else:
            self.answer(200, self.completion(body))

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        message = {"role": "assistant", "content": "".join(self.api.words)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {"model": body.get("model"), "choices": [choice], "usage": self.usage()}

    def usage(self) -> dict[str, int]:
        words = len(self.api.words)
        return {"prompt_tokens": 9, "completion_tokens": words, "total_tokens": 9 + words}

    def answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.end_headers()
        self.event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        for word in self.api.words:
            time.sleep(PAUSE_SECONDS)
            self.event({"choices": [{"index": 0, "delta": {"content": word}}]})
        if self.api.breaks_off:
            return
        self.event({"choices": [], "usage": self.usage()})
        self.wfile.write(b"data: [DONE]\n\n")

    def event(self, body: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(body).encode() + b"\n\n")
        self.wfile.flush()


@contextmanager
def serving() -> Iterator[ChatApi]:
    """Serve on loopback until the block ends."""
    api = ChatApi()
    handler = type("Handler", (_Handler,), {"api": api})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
