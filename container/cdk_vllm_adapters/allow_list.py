"""The only paths a server with runtime LoRA answers; vLLM's own routes to load adapters are not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# Inference under the API key, and what the load balancer and Prometheus ask without one. Left out,
# because each reaches an adapter or a model without the key, or changes what is loaded: /adapters,
# /invocations, /tokenize, /v1/load_lora_adapter, /v1/unload_lora_adapter and whatever comes later.
ALLOWED_PATHS = frozenset(
    {
        "/health",
        "/metrics",
        "/ping",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/messages",
        "/v1/models",
        "/v1/responses",
    }
)
# vLLM makes a lock for every adapter's name it is asked for, and keeps it (0.32 and 0.33).
_LOCKS_TO_KEEP = 64
_NOT_FOUND = json.dumps(
    {"error": {"message": "Not Found", "type": "NotFoundError", "param": None, "code": 404}}
).encode()


class AllowList:
    """ASGI middleware that answers 404 to every path that is not allowed, with a key or without.

    It compares the path that the router will match, decoded and as a whole: no other spelling of a
    route is a way around. vLLM puts it outside its own middleware, so that nothing comes first.
    """

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an allowed request on, and refuse any other."""
        kind = scope["type"]
        if kind == "http" and _path(scope) not in ALLOWED_PATHS:
            await _refuse(send)
        elif kind == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
        else:
            try:
                await self._app(scope, receive, send)
            finally:
                _forget_locks(scope)


def _path(scope: Scope) -> str:
    path, root = str(scope["path"]), str(scope.get("root_path") or "").rstrip("/")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


async def _refuse(send: Send) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(_NOT_FOUND)).encode()),
    ]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": _NOT_FOUND})


def _forget_locks(scope: Scope) -> None:
    """Drop the locks of names that nobody waits for; else any name asked for stays in memory."""
    state = getattr(scope.get("app"), "state", None)
    locks = getattr(getattr(state, "openai_serving_models", None), "lora_resolver_lock", None)
    if locks is None or len(locks) <= _LOCKS_TO_KEEP:
        return
    for name in [name for name, lock in locks.items() if not lock.locked()]:
        del locks[name]
