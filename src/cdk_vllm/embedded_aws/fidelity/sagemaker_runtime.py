"""SageMaker's runtime: invocations, streams included, answered by a real engine behind them.

Where no engine stands behind an endpoint, moto's own prepared answers are left as they are.
"""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.sagemaker.models import sagemaker_backends
from moto.sagemakerruntime import urls
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from cdk_vllm.embedded_aws.event_stream import failure, part
from cdk_vllm.embedded_aws.sagemaker_engine import engine_of

from . import sagemaker_async
from .sagemaker_components import components_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Answer = tuple[int, dict[str, str], Any]

WHOLE_ANSWER_SECONDS = 60  # InvokeEndpoint waits no longer
STREAM_SECONDS = 480
CHUNK_BYTES = 65536

_FORWARDED = {"Accept": "Accept", "X-Amzn-SageMaker-Accept": "Accept"}
_ADAPTER = "X-Amzn-SageMaker-Adapter-Identifier"
_COMPONENT = "X-Amzn-SageMaker-Inference-Component"
_CUSTOM = "X-Amzn-SageMaker-Custom-Attributes"
# A proxy of the machine's has no business between the embedded AWS and an engine on loopback.
_OPENER = build_opener(ProxyHandler({}))

_moto_invoke = SageMakerRuntimeResponse.invoke_endpoint
_moto_invoke_async = SageMakerRuntimeResponse.invoke_endpoint_async


class RefusedError(Exception):
    """An invocation that SageMaker refuses before it reaches the container."""


def _invoke(self: Any) -> Any:
    """InvokeEndpoint: the container's whole answer, within a minute."""
    name = self.path.split("/")[2]
    engine = engine_of(name)
    if engine is None:
        return _moto_invoke(self)
    try:
        variant, headers = _request_of(self, name)
        with post(f"{engine}/invocations", self.raw_body, headers, WHOLE_ANSWER_SECONDS) as answer:
            return 200, _told(answer, variant, "Content-Type"), answer.read()
    except (RefusedError, OSError, HTTPException) as error:
        return refusal(error)


def _stream(self: Any) -> Any:
    """InvokeEndpointWithResponseStream: what the container sends, part by part."""
    name = self.path.split("/")[2]
    engine = engine_of(name)
    if engine is None:
        return error_answer(503, "ServiceUnavailable", f"no engine stands behind {name}")
    try:
        variant, headers = _request_of(self, name)
        answer = post(f"{engine}/invocations", self.raw_body, headers, STREAM_SECONDS)
    except (RefusedError, OSError, HTTPException) as error:
        return refusal(error)
    told = _told(answer, variant, "X-Amzn-SageMaker-Content-Type")
    told["Content-Type"] = "application/vnd.amazon.eventstream"
    parts = _parts(answer)
    # Only a server can answer bit by bit; a client within the process wants the whole.
    return 200, told, parts if self.is_werkzeug_request else b"".join(parts)


def _parts(answer: Any) -> Iterator[bytes]:
    with answer:
        try:
            while chunk := answer.read1(CHUNK_BYTES):
                yield part(chunk)
        except (OSError, HTTPException) as error:
            detail = {"Message": str(error), "ErrorCode": "StreamBroken"}
            yield failure("ModelStreamError", json.dumps(detail).encode())


def _invoke_async(self: Any) -> Any:
    """InvokeEndpointAsync: from S3, through the engine, to S3, and told to a topic."""
    name = self.path.split("/")[2]
    engine = engine_of(name)
    if engine is None:
        return _moto_invoke_async(self)
    backend = sagemaker_backends[self.current_account][self.region]
    endpoint: Any = backend.endpoints.get(name)
    if endpoint is None or not endpoint.async_inference_config:
        message = f"Endpoint {name} is not an asynchronous one."
        return error_answer(400, "ValidationError", message)

    def ask(body: bytes, content_type: str) -> bytes:
        headers = {"Content-Type": content_type}
        try:
            answer = post(f"{engine}/invocations", body, headers, sagemaker_async.SECONDS)
        except HTTPError as error:
            with error:
                said = error.read().decode(errors="replace")
                raise OSError(f"the container answered {error.code}: {said}") from None
        with answer:
            return bytes(answer.read())

    return sagemaker_async.answer(self, endpoint.async_inference_config["OutputConfig"], ask)


def _request_of(response: Any, name: str) -> tuple[str, dict[str, str]]:
    """Return the variant that is called and the headers its container gets."""
    backend = sagemaker_backends[response.current_account][response.region]
    endpoint: Any = backend.endpoints.get(name)
    if endpoint is None:
        raise RefusedError(f"Endpoint {name} of account {response.current_account} not found.")
    if endpoint.async_inference_config:
        raise RefusedError(f"Endpoint {name} is asynchronous; call InvokeEndpointAsync.")
    given = response.headers
    headers = {"Content-Type": given.get("Content-Type", "application/octet-stream")}
    headers |= {theirs: given[ours] for ours, theirs in _FORWARDED.items() if ours in given}
    if _CUSTOM in given:
        headers[_CUSTOM] = given[_CUSTOM]
    headers |= component_headers(backend, name, given.get(_COMPONENT))
    return endpoint.production_variants[0]["VariantName"], headers


def component_headers(backend: Any, endpoint_name: str, wanted: str | None) -> dict[str, str]:
    """Where components share an endpoint, a caller names one; its copies must be there."""
    components = components_of(backend)
    there = [c.name for c in components.values() if c.endpoint_name == endpoint_name]
    if wanted is None:
        if there:
            raise RefusedError(f"Inference Component Name header is required for {endpoint_name}.")
        return {}
    if wanted not in there:
        raise RefusedError(f"Inference component {wanted} of {endpoint_name} not found.")
    component = components[wanted]
    serving = components[component.base_component] if component.base_component else component
    if serving.copies < 1:
        raise RefusedError("Inference Component has no capacity to process this request.")
    return {_ADAPTER: component.name} if component.base_component else {}


def post(url: str, body: bytes | str, headers: dict[str, str], seconds: int) -> Any:
    data = body.encode() if isinstance(body, str) else body
    return _OPENER.open(Request(url, data, headers), timeout=seconds)  # noqa: S310 - loopback


def _told(answer: Any, variant: str, type_header: str) -> dict[str, str]:
    told = {
        type_header: answer.headers.get("Content-Type", "application/json"),
        "x-Amzn-Invoked-Production-Variant": variant,
    }
    custom = answer.headers.get(_CUSTOM)
    return told | ({_CUSTOM: custom} if custom else {})


def refusal(error: Exception) -> Answer:
    """Say as SageMaker does what went wrong: before the container, in it, or on the way."""
    if isinstance(error, RefusedError):
        return error_answer(400, "ValidationError", str(error))
    if isinstance(error, HTTPError):
        with error:
            return _model_error(error.code, error.read().decode(errors="replace"))
    return _model_error(500, f"the container did not answer: {error}")


def error_answer(status: int, code: str, message: str) -> Answer:
    return status, _headers(status, code), json.dumps({"Message": message})


def _headers(status: int, code: str) -> dict[str, str]:
    # moto looks for the status among the headers.
    return {"Content-Type": "application/json", "x-amzn-ErrorType": code, "status": str(status)}


def _model_error(status: int, message: str) -> Answer:
    side = "client" if status < 500 else "server"
    detail = {
        "Message": f'Received {side} error ({status}) from primary with message "{message}".',
        "OriginalStatusCode": status,
        "OriginalMessage": message,
        "LogStreamArn": "",
    }
    return 424, _headers(424, "ModelError"), json.dumps(detail)


_moto_host = DomainDispatcherApplication.infer_service_region_host


def _host(self: Any, environ: dict[str, Any], path: str) -> str | None:
    """Moto's server takes streams for SageMaker's own API, and bearer tokens for S3's."""
    called = environ.get("PATH_INFO", "")
    if called.startswith("/endpoints/") and (
        called.endswith("/invocations-response-stream") or "/openai/" in called
    ):
        return "runtime.sagemaker.us-east-1.amazonaws.com"
    return _moto_host(self, environ, path)


def install() -> None:
    """Put these in the place of moto's prepared answers, and stream beside them."""
    response: Any = SageMakerRuntimeResponse
    response.invoke_endpoint = _invoke
    response.invoke_endpoint_async = _invoke_async
    response.invoke_endpoint_with_response_stream = _stream
    paths: dict[str, Any] = urls.url_paths
    stream = "{0}/endpoints/(?P<name>[^/]+)/invocations-response-stream$"
    paths[stream] = SageMakerRuntimeResponse.dispatch
    dispatcher: Any = DomainDispatcherApplication
    dispatcher.infer_service_region_host = _host
