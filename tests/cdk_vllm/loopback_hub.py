"""A small Hugging Face hub on loopback: look-ups, downloads with ranges, and its usual refusals."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_" + "x" * 34
_LOOK_UP = re.compile(r"/api/models/([^/]+/[^/]+)/revision/([^/?]+)")
_FILE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_BLOCK_BYTES = 2**16


@dataclass
class Repository:
    """A model: its files, its branches, and what it asks for."""

    files: Mapping[str, bytes]
    refs: dict[str, str] = field(default_factory=lambda: {"main": COMMIT})
    is_gated: bool = False
    licensed: bool = True

    def is_large(self, name: str) -> bool:
        """Say whether Git LFS keeps the file, as it does all weights."""
        return name.endswith(".safetensors")


class Hub:
    """The server; what it saw is in `requests`, what it shall do is in its attributes."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.requests: list[tuple[str, str, str]] = []
        self.busy_answers = 0
        self.retry_after = "0"
        self.cut_after_bytes: int | None = None
        self.cuts_left = 0
        self.corrupt: set[str] = set()
        self.pause_after_bytes: int | None = None
        self.is_paused, self.resumed = threading.Event(), threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.hub = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Hub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The address, for `HF_ENDPOINT`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def downloads(self, name: str) -> list[str]:
        """Return the Range header of every GET of a file; empty where it asked for the whole."""
        return [asked for method, path, asked in self.requests if method == "GET" and name in path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> Hub:
        found: Hub = self.server.hub  # type: ignore[attr-defined]
        return found

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Keep the tests' output clean."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.requests.append((self.command, path, self.headers.get("Range", "")))
        if hub.busy_answers > 0:
            hub.busy_answers -= 1
            return self._send(429, b"", {"Retry-After": hub.retry_after})
        if found := _LOOK_UP.fullmatch(path):
            return self._look_up(found[1], found[2])
        if found := _FILE.fullmatch(path):
            return self._file(found[1], found[2], found[3], with_body=with_body)
        return self._send(404, b"", {})

    def _look_up(self, model: str, revision: str) -> None:
        repository = self._allowed(model, revision, metadata=True)
        if repository is None:
            return
        siblings = []
        for name, content in repository.files.items():
            sibling: dict[str, Any] = {"rfilename": name, "size": len(content)}
            if repository.is_large(name):
                sha256 = hashlib.sha256(content).hexdigest()
                sibling["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 134}
                sibling["blobId"] = "0" * 40
            else:
                sibling["blobId"] = _blob_id(content)
            siblings.append(sibling)
        commit = repository.refs.get(revision, revision)
        body = {"id": model, "modelId": model, "sha": commit, "siblings": siblings}
        self._send(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _file(self, model: str, revision: str, name: str, *, with_body: bool) -> None:
        repository = self._allowed(model, revision, metadata=False)
        if repository is None:
            return
        content = repository.files[name]
        large = repository.is_large(name)
        etag = hashlib.sha256(content).hexdigest() if large else _blob_id(content)
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if name in self.hub.corrupt:
            content = content[:-1] + bytes([content[-1] ^ 1])
        status, start = 200, 0
        if asked := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            status, start = 206, int(asked[1])
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(status, content[start:], headers, with_body=with_body)

    def _allowed(self, model: str, revision: str, *, metadata: bool) -> Repository | None:
        """Return the repository, or answer as the hub does: its details are free, files are not."""
        repository = self.hub.repositories.get(model)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token != TOKEN:
            message = "Invalid credentials in Authorization header"
            self._send(401, b"", {"X-Error-Message": message})
            return None
        if repository is None:
            code, status = {"X-Error-Code": "RepoNotFound"}, 404 if token else 401
            self._send(status, b"", code)
            return None
        if revision not in {*repository.refs, *repository.refs.values()}:
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
            return None
        if repository.is_gated and not metadata and not (token and repository.licensed):
            self._send(403 if token else 401, b"", {"X-Error-Code": "GatedRepo"})
            return None
        return repository

    def _send(
        self, status: int, body: bytes, headers: Mapping[str, str], *, with_body: bool = True
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body and self.command == "GET":
            self._write(body)

    def _write(self, body: bytes) -> None:
        hub = self.hub
        allowed = len(body)
        cut = hub.cut_after_bytes
        if cut is not None and hub.cuts_left > 0 and len(body) > cut:
            hub.cuts_left -= 1
            allowed = cut
        pause = hub.pause_after_bytes
        for start in range(0, allowed, _BLOCK_BYTES):
            if pause is not None and start >= pause:
                hub.is_paused.set()
                hub.resumed.wait(30)
            self.wfile.write(body[start : min(start + _BLOCK_BYTES, allowed)])
        if allowed < len(body):
            self.close_connection = True
            self.connection.close()


def _blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
