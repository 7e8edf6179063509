"""A chat request through SageMaker's runtime, as boto3 sends it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, EventStreamError

from cdk_vllm.errors import CdkVllmError
from cdk_vllm.live import chat

if TYPE_CHECKING:
    from collections.abc import Iterator


def ask(
    runtime: Any, endpoint: str, request: bytes, *, stream: bool, component: str = ""
) -> chat.Answer:
    """Invoke an endpoint, or one component on it, and read the answer.

    Raises:
        CdkVllmError: SageMaker or the container refuses, breaks off, or answers what is no answer.
    """
    target = {"InferenceComponentName": component} if component else {}
    call = runtime.invoke_endpoint_with_response_stream if stream else runtime.invoke_endpoint
    begun = time.monotonic()
    try:
        answer = call(EndpointName=endpoint, Body=request, ContentType="application/json", **target)
        if stream:
            return chat.streamed(_parts(answer["Body"]), begun)
        return chat.whole(answer["Body"].read(), begun)
    except ClientError as error:
        told = error.response.get("Error", {})
        raise CdkVllmError(
            f"{endpoint} refused: {told.get('Code')}: {told.get('Message')}"
        ) from None
    except (BotoCoreError, EventStreamError) as error:
        raise CdkVllmError(f"{endpoint} broke off: {error}") from None


def _parts(stream: Any) -> Iterator[bytes]:
    try:
        for event in stream:
            if "PayloadPart" in event:
                yield event["PayloadPart"]["Bytes"]
    finally:
        stream.close()
