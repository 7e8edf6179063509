"""A server between a client and S3 that counts requests, refuses some, and breaks off others."""

from __future__ import annotations

import http.client
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

_HOP = {"connection", "transfer-encoding", "keep-alive", "host"}


class Between:
    """Forwards to S3 at `endpoint`; `requests` holds `METHOD /path?query` of each."""

    def __init__(self, endpoint: str) -> None:
        self._target = urlsplit(endpoint).netloc
        self.requests: list[str] = []
        self._refusals: list[tuple[re.Pattern[str], int, str, str]] = []
        self._cuts: dict[str, int] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Between:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def refuse(self, pattern: str, status: int, code: str, message: str = "No.") -> None:
        """Answer the requests that match as S3 answers with an error."""
        self._refusals.append((re.compile(pattern), status, code, message))

    def allow(self) -> None:
        """Refuse nothing any more."""
        self._refusals.clear()

    def cut(self, name: str, times: int) -> None:
        """Break off the first `times` answers with the object in the middle."""
        self._cuts[name] = times

    def count(self, pattern: str) -> int:
        """Return how many requests matched."""
        return sum(re.search(pattern, request) is not None for request in self.requests)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = f"{handler.command} {handler.path}"
        self.requests.append(asked)
        for pattern, status, code, message in self._refusals:
            if pattern.search(asked):
                _send(handler, status, [], _error(code, message))
                return
        status, headers, body = self._forward(handler)
        for name, left in self._cuts.items():
            if left and name in asked and status < 300 and handler.command == "GET":
                self._cuts[name] -= 1
                _send(handler, status, headers, body, cut=True)
                return
        _send(handler, status, headers, body)

    def _forward(self, handler: BaseHTTPRequestHandler) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self._target, timeout=30)
        try:
            size = int(handler.headers.get("Content-Length") or 0)
            sent = {
                name: value for name, value in handler.headers.items() if name.lower() != "host"
            }
            connection.request(handler.command, handler.path, handler.rfile.read(size), sent)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        between = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                between.answer(self)

            def do_HEAD(self) -> None:
                between.answer(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


def _send(
    handler: BaseHTTPRequestHandler,
    status: int,
    headers: list[tuple[str, str]],
    body: bytes,
    *,
    cut: bool = False,
) -> None:
    handler.send_response_only(status)
    for name, value in headers:
        if name.lower() not in _HOP:
            handler.send_header(name, value)
    if not headers:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body[: len(body) // 2] if cut else body)
    if cut:
        handler.close_connection = True


def _error(code: str, message: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    ).encode()
