"""How a served model is called: with curl, with the OpenAI client, and once from here."""

from __future__ import annotations

import json
import shlex
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from cdk_vllm.errors import RehearsalError

QUESTION = "What does a load balancer do?"
MAX_TOKENS = 32
REQUEST_SECONDS = 120.0
JSON = "application/json"


@dataclass(frozen=True)
class Call:
    """A chat request to a server: its address, the path, the model's name, and the key if any."""

    url: str
    path: str
    model: str
    key: str | None = field(default=None, repr=False)

    @property
    def body(self) -> dict[str, Any]:
        """The request."""
        messages = [{"role": "user", "content": QUESTION}]
        return {"model": self.model, "messages": messages, "max_tokens": MAX_TOKENS}

    def headers(self) -> dict[str, str]:
        """Return the request's headers."""
        locked = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return {"Content-Type": JSON} | locked

    def curl(self) -> str:
        """Return a command line that makes the request."""
        words = ["curl", "--silent", "--show-error", self.url + self.path]
        lines = [shlex.join(words)]
        lines += [shlex.join(["--header", f"{k}: {v}"]) for k, v in self.headers().items()]
        lines.append(shlex.join(["--data", json.dumps(self.body)]))
        return " \\\n  ".join(lines)

    def openai(self) -> str:
        """Return a program that makes the request with the `openai` package."""
        return (
            "from openai import OpenAI\n\n"
            f'client = OpenAI(base_url="{self.url}/v1", api_key="{self.key or "none"}")\n'
            "answer = client.chat.completions.create(\n"
            f"    model={json.dumps(self.model)},\n"
            f'    messages=[{{"role": "user", "content": {json.dumps(QUESTION)}}}],\n'
            f"    max_tokens={MAX_TOKENS},\n"
            ")\n"
            "print(answer.choices[0].message.content)\n"
        )

    def make(self) -> str:
        """Make the request and return the answer's text; raises `RehearsalError`."""
        # The user's proxy knows nothing of this machine's own addresses.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(  # noqa: S310 - our own address
            self.url + self.path, json.dumps(self.body).encode(), self.headers()
        )
        try:
            with opener.open(request, timeout=REQUEST_SECONDS) as answer:
                found = json.load(answer)
            return str(found["choices"][0]["message"]["content"])
        except (OSError, ValueError, LookupError) as error:
            raise RehearsalError(f"the server did not answer as it should: {error!r}") from None
