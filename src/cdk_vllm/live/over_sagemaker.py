"""A chat request through SageMaker's runtime, as boto3 sends it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError, EventStreamError

from cdk_vllm.errors import CdkVllmError
from cdk_vllm.live import chat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.live.stacks import ClientFactory

POLL_SECONDS = 1.0
# Who may not list a bucket is told that he may not read what is not there.
NOT_YET = ("NoSuchKey", "404", "AccessDenied")


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


def ask_later(
    client: ClientFactory, endpoint: str, request: bytes, *, seconds: float
) -> chat.Answer:
    """Put a request into the answers' bucket, invoke the endpoint, and wait for the answer there.

    Raises:
        CdkVllmError: the endpoint is not an asynchronous one, fails, or answers later than that.
    """
    told = client("sagemaker").describe_endpoint(EndpointName=endpoint)
    if not told.get("AsyncInferenceConfig"):
        raise CdkVllmError(f"{endpoint} is not an asynchronous endpoint; deploy the service again")
    output = told["AsyncInferenceConfig"]["OutputConfig"]["S3OutputPath"]
    bucket, key = urlsplit(output).netloc, f"requests/smoke-{uuid4().hex}.json"
    client("s3").put_object(Bucket=bucket, Key=key, Body=request, ContentType="application/json")
    begun = time.monotonic()
    answer = client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=endpoint,
        InputLocation=f"s3://{bucket}/{key}",
        ContentType="application/json",
    )
    while True:
        said = _object(client, answer["OutputLocation"])
        if said is not None:
            return chat.whole(said, begun)
        failure = _object(client, answer.get("FailureLocation", ""))
        if failure is not None:
            raise CdkVllmError(f"{endpoint} failed: {failure.decode(errors='replace')[:300]}")
        if time.monotonic() - begun > seconds:
            raise CdkVllmError(
                f"{endpoint} put no answer at {answer['OutputLocation']} in {seconds:.0f} s; "
                "it may have no instance yet: raise --seconds"
            )
        time.sleep(POLL_SECONDS)


def _object(client: ClientFactory, uri: str) -> bytes | None:
    place = urlsplit(uri)
    if not place.netloc:
        return None
    try:
        found = client("s3").get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in NOT_YET:
            return None
        raise
    return bytes(found["Body"].read())


def _parts(stream: Any) -> Iterator[bytes]:
    try:
        for event in stream:
            if "PayloadPart" in event:
                yield event["PayloadPart"]["Bytes"]
    finally:
        stream.close()
