"""SageMaker's path for OpenAI clients: bearer tokens, one route, the container's own answers.

Source: Amazon SageMaker AI Developer Guide, "Invoke endpoints with OpenAI-compatible APIs".
"""

from __future__ import annotations

import os
import re
from base64 import b64decode
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sagemaker.models import sagemaker_backends
from moto.sagemakerruntime import urls

from cdk_vllm.embedded_aws.sagemaker_engine import engine_of

from .sagemaker_runtime import (
    CHUNK_BYTES,
    STREAM_SECONDS,
    RefusedError,
    component_headers,
    error_answer,
    post,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Answer = tuple[int, dict[str, str], Any]

_ROUTE = "/v1/chat/completions"
_CALLED = re.compile(
    r"/endpoints/(?P<name>[^/]+)(?:/inference-components/(?P<component>[^/]+))?/openai/v1/"
)
_TOKEN = re.compile(r"Bearer sagemaker-api-key-(?P<signed>[A-Za-z0-9+/=]+)")


def _answer(request: Any, full_url: str, headers: Any) -> Answer:
    """Let the engine answer a chat request; the token says in which region."""
    called = _CALLED.search(full_url)
    region = _region(str(headers.get("Authorization", "")))
    if called is None or region is None:
        return error_answer(403, "AccessDeniedException", "a bearer token is required")
    name = called["name"]
    engine = engine_of(name)
    if engine is None:
        return error_answer(503, "ServiceUnavailable", f"no engine stands behind {name}")
    try:
        sent = _headers(region, name, called["component"])
        sent["Content-Type"] = headers.get("Content-Type", "application/json")
        answer = post(f"{engine}{_ROUTE}", request.get_data(), sent, STREAM_SECONDS)
    except HTTPError as error:
        with error:
            return error.code, {"Content-Type": "application/json"}, error.read()
    except (RefusedError, OSError, HTTPException) as error:
        return refusal(error)
    told = {"Content-Type": answer.headers.get("Content-Type", "application/json")}
    return 200, told, _chunks(answer) if request.from_wsgi_server else answer.read()


def _region(authorization: str) -> str | None:
    """Return the region that a token was signed for; the signature is nobody's to check here."""
    token = _TOKEN.fullmatch(authorization)
    if token is None:
        return None
    try:
        signed = b64decode(token["signed"], validate=True).decode()
    except ValueError:
        return None
    told = parse_qs(urlsplit(f"https://{signed}").query)
    scope = told.get("X-Amz-Credential", [""])[0].split("/")
    if told.get("Action") != ["CallWithBearerToken"] or scope[3:] != ["sagemaker", "aws4_request"]:
        return None
    return scope[2]


def _headers(region: str, name: str, component: str | None) -> dict[str, str]:
    account = os.environ.get("MOTO_ACCOUNT_ID", DEFAULT_ACCOUNT_ID)
    backend = sagemaker_backends[account][region]
    if name not in backend.endpoints:
        raise RefusedError(f"Endpoint {name} of account {account} not found.")
    return component_headers(backend, name, component)


def _chunks(answer: Any) -> Iterator[bytes]:
    with answer:
        while chunk := answer.read1(CHUNK_BYTES):
            yield chunk


def install() -> None:
    """Answer at the path, with and without a component in it."""
    paths: dict[str, Any] = urls.url_paths
    for part in ("", "/inference-components/(?P<component>[^/]+)"):
        paths["{0}/endpoints/(?P<name>[^/]+)" + part + "/openai" + _ROUTE + "$"] = _answer
