"""A chat request over HTTP, as any OpenAI client sends it."""

from __future__ import annotations

import socket
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cdk_vllm.errors import CdkVllmError
from cdk_vllm.live import chat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPResponse

CONNECT_SECONDS = 10
CHUNK_BYTES = 65536


class UnreachableError(CdkVllmError):
    """Nothing answers at the address; from where this runs there may be no way."""


def ask(
    base_url: str,
    key: str,
    request: bytes,
    *,
    stream: bool,
    seconds: float,
    port_here: int = 0,
) -> chat.Answer:
    """Send a chat request to `base_url`, which ends in `/v1`, and read the answer.

    `key` is a bearer token, or nothing. With `port_here` the way there leads through that port of
    this machine.

    Raises:
        UnreachableError: there is no way to the address.
        CdkVllmError: the server refuses, breaks off, or answers what is no answer.
    """
    connection = _connection(base_url, seconds, port_here)
    headers = {"Content-Type": "application/json", "Host": urlsplit(base_url).netloc}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    begun = time.monotonic()
    try:
        path = urlsplit(base_url).path.rstrip("/") + "/chat/completions"
        _connect(connection, base_url)
        connection.request("POST", path, request, headers)
        answer = connection.getresponse()
        if answer.status != 200:
            said = answer.read().decode(errors="replace").strip()[:300]
            raise CdkVllmError(f"{base_url} answered {answer.status}: {said or 'nothing'}")
        if stream:
            return chat.streamed(_parts(answer), begun)
        return chat.whole(answer.read(), begun)
    except TimeoutError:
        raise CdkVllmError(f"{base_url} sent nothing for {seconds:.0f} s") from None
    except (OSError, HTTPException) as error:
        raise CdkVllmError(f"{base_url} broke off: {error}") from None
    finally:
        connection.close()


def _connection(base_url: str, seconds: float, port_here: int) -> HTTPConnection:
    place = urlsplit(base_url)
    kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
    connection = kind(place.hostname or "", place.port, timeout=seconds)
    if port_here:
        # The name stays that of the host there, whose certificate is checked.
        patched: Any = connection
        patched._create_connection = lambda _, *rest: socket.create_connection(
            ("127.0.0.1", port_here), *rest
        )
    return connection


def _connect(connection: HTTPConnection, base_url: str) -> None:
    answer_seconds, connection.timeout = connection.timeout, CONNECT_SECONDS
    try:
        connection.connect()
    except OSError as error:
        raise UnreachableError(f"nothing answers at {base_url} ({error})") from None
    connection.timeout = answer_seconds
    connection.sock.settimeout(answer_seconds)


def _parts(answer: HTTPResponse) -> Iterator[bytes]:
    while part := answer.read1(CHUNK_BYTES):
        yield part
