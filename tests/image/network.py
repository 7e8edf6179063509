"""A network of the session's own: a loopback with nothing behind it, and no way out."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import dumps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CLONE_NEWNET = 0x40000000
# Where the ECS agent answers. Source: Amazon ECS Developer Guide, "Task IAM role".
AGENT = ("169.254.170.2", 80)
CREDENTIALS = "/v2/credentials/of-the-task"


def leave_the_network() -> None:
    """Give this thread, and whatever it starts, a network of its own.

    Containers may then listen on every address, as they do when deployed, and nobody reaches them.
    """
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        reason = os.strerror(ctypes.get_errno())
        raise OSError(f"A network of its own is not allowed here: {reason}")
    for words in ("link set lo up", f"address add {AGENT[0]}/32 dev lo"):
        subprocess.run(["ip", *words.split()], check=True)


class _Agent(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == CREDENTIALS
        body = dumps(
            {
                "AccessKeyId": "of-the-task",
                "SecretAccessKey": "of-the-task",
                "Token": "of-the-task",
                "Expiration": "2099-01-01T00:00:00Z",
            }
        ).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


def credentials_of_the_task() -> Iterator[None]:
    """Answer as the ECS agent does when a task asks for its role's credentials."""
    with ThreadingHTTPServer(AGENT, _Agent) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()
