"""An engine that tells how it was called: its `vllm` serves two routes and its own words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.local.engine import Engine

if TYPE_CHECKING:
    from pathlib import Path

VLLM = f"""#!{sys.executable}
import json, os, signal, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if "--broken" in sys.argv:
    sys.exit("ValueError: this model cannot be served")

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({{}})
    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        said = {{"words": sys.argv[1:], "environment": dict(os.environ), "asked": asked,
                "path": self.path, "key": self.headers.get("Authorization")}}
        self.answer({{"choices": [{{"message": {{"content": json.dumps(said)}}}}]}})
    def answer(self, body):
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

print("loading the model", flush=True)
port = int(sys.argv[sys.argv.index("--port") + 1])
signal.signal(signal.SIGTERM, signal.SIG_IGN if "--deaf" in sys.argv else lambda *_: os._exit(0))
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    programs = tmp_path / "engine" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "vllm").write_text(VLLM)
    (programs / "vllm").chmod(0o755)
    return Engine(programs / "python")
