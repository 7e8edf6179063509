"""SageMaker's asynchronous invocation: the request and the answer lie in S3."""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from moto.moto_api._internal import mock_random
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[[bytes, str], bytes]

SECONDS = 3600  # the longest an asynchronous answer may take


def answer(response: Any, output: dict[str, Any], ask: Ask) -> tuple[int, dict[str, str], str]:
    """Ask the engine at once, put what it says into S3, and return where that lies.

    `output` is the endpoint configuration's `OutputConfig`.
    """
    given = response.headers
    identity = given.get("X-Amzn-SageMaker-Inference-Id") or str(mock_random.uuid4())
    content_type = given.get("X-Amzn-SageMaker-Content-Type", "application/json")
    location = given.get("X-Amzn-SageMaker-InputLocation")
    body = _object(response, location) if location else _bytes(response.raw_body)
    done = f"{output['S3OutputPath'].rstrip('/')}/{identity}.out"
    failed = f"{output.get('S3FailurePath', output['S3OutputPath']).rstrip('/')}/{identity}.err"
    topics = output.get("NotificationConfig", {})
    message = {"inferenceId": identity, "requestParameters": {"inputLocation": location}}
    try:
        said = ask(body, content_type)
    except (OSError, HTTPException) as error:
        _put(response, failed, str(error).encode(), output)
        where = {"responseParameters": {"outputLocation": failed}}
        _tell(
            response, topics.get("ErrorTopic"), {**message, **where, "invocationStatus": "Failed"}
        )
    else:
        _put(response, done, said, output)
        where = {"responseParameters": {"outputLocation": done}}
        _tell(
            response,
            topics.get("SuccessTopic"),
            {**message, **where, "invocationStatus": "Completed"},
        )
    headers = {
        "status": "202",
        "X-Amzn-SageMaker-OutputLocation": done,
        "X-Amzn-SageMaker-FailureLocation": failed,
    }
    return 202, headers, json.dumps({"InferenceId": identity})


def _bytes(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body


def _object(response: Any, uri: str) -> bytes:
    place = urlparse(uri)
    found = _s3(response).get_object(place.netloc, place.path.lstrip("/"))
    return bytes(found.value) if found else b""


def _put(response: Any, uri: str, body: bytes, output: dict[str, Any]) -> None:
    place = urlparse(uri)
    key = output.get("KmsKeyId")
    encryption = {"encryption": "aws:kms", "kms_key_id": key} if key else {}
    _s3(response).put_object(place.netloc, place.path.lstrip("/"), value=body, **encryption)


def _s3(response: Any) -> Any:
    return s3_backends[response.current_account][response.partition]


def _tell(response: Any, topic: str | None, message: dict[str, Any]) -> None:
    if topic:
        sns: Any = sns_backends[response.current_account][response.region]
        sns.publish(json.dumps(message), arn=topic)
