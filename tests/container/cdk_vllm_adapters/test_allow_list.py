"""The middleware, called as an ASGI server calls it."""

from __future__ import annotations

import asyncio
import json
import re
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest

from cdk_vllm.constructs.front_door import ALLOWED_PATHS as FRONT_DOOR
from cdk_vllm_adapters import AllowList
from cdk_vllm_adapters.allow_list import ALLOWED_PATHS

REFUSED = [
    "/v1/load_lora_adapter",
    "/v1/unload_lora_adapter",
    "/V1/MODELS",
    "//v1/models",
    "/v1//models",
    "/v1/models/",
    "/v1/models/../load_lora_adapter",
    "/v1/models/%2e%2e/load_lora_adapter",
    "/v1%2Fload_lora_adapter",
    "/v1/%6coad_lora_adapter",
    "/v1/models;/../load_lora_adapter",
    "/v1/models\n",
    "/v1/models/.",
    "/adapters",
    "/adapters/medical",
    "//adapters",
    "/invocations",
    "/tokenize",
    "/detokenize",
    "/pooling",
    "/inference/v1/generate",
    "/v1/responses/1",
    "/server_info",
    "/collective_rpc",
    "/openapi.json",
    "/",
    "",
    "*",
]


class Application:
    """What lies inside; it remembers which paths reached it."""

    def __init__(self) -> None:
        self.reached: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached.append(scope.get("path", scope["type"]))


def call(scope: dict[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the paths that got through, and what was answered in their stead."""
    inside, sent = Application(), []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {}

    asyncio.run(AllowList(inside)(scope, receive, send))
    return inside.reached, sent


def http(path: str, method: str = "POST", **more: Any) -> dict[str, Any]:
    # A server decodes the path, and that is what the router matches.
    return {"type": "http", "method": method, "path": unquote(path), "headers": [], **more}


@pytest.mark.parametrize("path", sorted(ALLOWED_PATHS))
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_inference_and_health_get_through(path: str, method: str) -> None:
    assert call(http(path, method)) == ([path], [])


@pytest.mark.parametrize("path", REFUSED)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_nothing_else_does(path: str, method: str) -> None:
    reached, (start, body) = call(http(path, method))
    assert reached == []
    assert start["status"] == 404
    assert dict(start["headers"])[b"content-length"] == str(len(body["body"])).encode()
    assert json.loads(body["body"])["error"]["code"] == 404


def test_a_root_path_comes_before_each_path() -> None:
    assert call(http("/api/v1/models", root_path="/api"))[0] == ["/api/v1/models"]
    for path in ("/api/v1/load_lora_adapter", "/apiv1/models", "/api/api/v1/models"):
        assert call(http(path, root_path="/api"))[0] == []


def test_there_are_no_web_sockets() -> None:
    reached, (close,) = call({"type": "websocket", "path": "/v1/models", "headers": []})
    assert reached == []
    assert close["type"] == "websocket.close"


def test_the_server_may_start_and_stop() -> None:
    assert call({"type": "lifespan"}) == (["lifespan"], [])


def test_the_load_balancer_lets_through_what_is_answered_and_no_more_of_it() -> None:
    through = {
        path for path in ALLOWED_PATHS if any(re.search(pattern, path) for pattern in FRONT_DOOR)
    }
    assert through == ALLOWED_PATHS - {"/health", "/metrics", "/ping"}


def test_locks_of_names_do_not_gather() -> None:
    models = SimpleNamespace(lora_resolver_lock={f"name-{n}": asyncio.Lock() for n in range(65)})
    application = SimpleNamespace(state=SimpleNamespace(openai_serving_models=models))
    asyncio.run(models.lora_resolver_lock["name-7"].acquire())
    call(http("/v1/completions", app=application))
    assert list(models.lora_resolver_lock) == ["name-7"], "somebody waits for it"


def test_few_locks_are_left_alone() -> None:
    models = SimpleNamespace(lora_resolver_lock={f"name-{n}": asyncio.Lock() for n in range(64)})
    application = SimpleNamespace(state=SimpleNamespace(openai_serving_models=models))
    call(http("/v1/completions", app=application))
    assert len(models.lora_resolver_lock) == 64
