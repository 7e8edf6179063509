"""Invocations reach the engine behind an endpoint, through the server as boto3 calls it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, EventStreamError

from cdk_vllm.embedded_aws.sagemaker_engine import engine_behind
from cdk_vllm.embedded_aws.server import EmbeddedAws
from cdk_vllm.live.bearer_token import bearer_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUESTION = {"model": "m", "messages": [{"role": "user", "content": "Capital of France?"}]}
ROLE = "arn:aws:iam::123456789012:role/r"
REGION = "eu-central-1"

Client = Any


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as running:
        yield running


@pytest.fixture(scope="module")
def client(aws: EmbeddedAws) -> Callable[[str], Client]:
    made: dict[str, Client] = {}

    def client(service: str) -> Client:
        return made.setdefault(service, aws.client(service, REGION))

    sagemaker = client("sagemaker")
    sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "i"}, ExecutionRoleArn=ROLE)
    for name, more in (("plain", {}), ("async", {"AsyncInferenceConfig": ASYNC})):
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant(ModelName="m")], **more
        )
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.create_endpoint_config(
        EndpointConfigName="shared", ProductionVariants=[variant()], ExecutionRoleArn=ROLE
    )
    sagemaker.create_endpoint(EndpointName="shared", EndpointConfigName="shared")
    return client


ASYNC = {"OutputConfig": {"S3OutputPath": "s3://answers/ok", "S3FailurePath": "s3://answers/bad"}}


def variant(**more: Any) -> dict[str, Any]:
    return {
        "VariantName": "vllm",
        "InstanceType": "ml.g6e.12xlarge",
        "InitialInstanceCount": 1,
        **more,
    }


def body(**more: Any) -> bytes:
    return json.dumps({**QUESTION, **more}).encode()


def refused(request: Request) -> int:
    with pytest.raises(HTTPError) as caught, urlopen(request, timeout=10):
        pass
    with caught.value as error:
        return error.code


def test_a_whole_answer_comes_from_the_engine(client: Any, chat_api: Any) -> None:
    with engine_behind(chat_api.url):
        answer = client("sagemaker-runtime").invoke_endpoint(
            EndpointName="plain", Body=body(), ContentType="application/json", CustomAttributes="a"
        )
    said = json.loads(answer["Body"].read())
    assert said["choices"][0]["message"]["content"] == "The capital is Paris."
    assert answer["InvokedProductionVariant"] == "vllm"
    assert answer["ContentType"] == "application/json"
    ((path, headers, sent),) = chat_api.seen
    assert (path, sent) == ("/invocations", QUESTION)
    assert headers["x-amzn-sagemaker-custom-attributes"] == "a"


def test_a_stream_arrives_bit_by_bit(client: Any, chat_api: Any) -> None:
    with engine_behind(chat_api.url, "plain"):
        answer = client("sagemaker-runtime").invoke_endpoint_with_response_stream(
            EndpointName="plain", Body=body(stream=True), ContentType="application/json"
        )
        parts, times = [], []
        for event in answer["Body"]:
            parts.append(event["PayloadPart"]["Bytes"])
            times.append(time.monotonic())
        answer["Body"].close()
    assert b"".join(parts).endswith(b"data: [DONE]\n\n")
    assert answer["ContentType"].startswith("text/event-stream")
    # Five words, a pause before each: they came while the engine was speaking.
    assert len(parts) > 3
    assert times[-1] - times[0] > 0.05


def test_what_the_container_refuses_is_a_model_error(client: Any, chat_api: Any) -> None:
    chat_api.status = 503
    runtime = client("sagemaker-runtime")
    for call in (runtime.invoke_endpoint, runtime.invoke_endpoint_with_response_stream):
        with engine_behind(chat_api.url), pytest.raises(ClientError) as caught:
            call(EndpointName="plain", Body=body(), ContentType="application/json")
        told = caught.value.response
        assert told["Error"]["Code"] == "ModelError"
        assert told["OriginalStatusCode"] == 503  # type: ignore[typeddict-item]


def test_a_container_that_is_not_there_is_a_model_error(client: Any) -> None:
    with engine_behind("http://127.0.0.1:9"), pytest.raises(ClientError, match="did not answer"):
        client("sagemaker-runtime").invoke_endpoint(EndpointName="plain", Body=b"{}")


def test_a_stream_without_an_engine_says_so(client: Any) -> None:
    with pytest.raises(ClientError, match="no engine stands behind plain"):
        client("sagemaker-runtime").invoke_endpoint_with_response_stream(
            EndpointName="plain", Body=b"{}"
        )


@pytest.mark.parametrize(
    ("endpoint", "reason"), [("nowhere", "not found"), ("async", "InvokeEndpointAsync")]
)
def test_an_endpoint_that_cannot_answer_is_refused(
    client: Any, chat_api: Any, endpoint: str, reason: str
) -> None:
    with engine_behind(chat_api.url), pytest.raises(ClientError, match=reason):
        client("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=body())
    assert chat_api.seen == []


def test_a_component_is_named_and_an_adapter_reaches_its_base(client: Any, chat_api: Any) -> None:
    sagemaker, runtime = client("sagemaker"), client("sagemaker-runtime")
    needs = {"NumberOfAcceleratorDevicesRequired": 2, "MinMemoryRequiredInMb": 1024}
    sagemaker.create_inference_component(
        InferenceComponentName="base",
        EndpointName="shared",
        VariantName="vllm",
        Specification={"ModelName": "m", "ComputeResourceRequirements": needs},
        RuntimeConfig={"CopyCount": 1},
    )
    sagemaker.create_inference_component(
        InferenceComponentName="medical",
        EndpointName="shared",
        Specification={
            "BaseInferenceComponentName": "base",
            "Container": {"ArtifactUrl": "s3://adapters/medical.tar.gz"},
        },
    )
    with engine_behind(chat_api.url):
        with pytest.raises(ClientError, match="header is required"):
            runtime.invoke_endpoint(EndpointName="shared", Body=body())
        with pytest.raises(ClientError, match="legal of shared not found"):
            runtime.invoke_endpoint(
                EndpointName="shared", Body=body(), InferenceComponentName="legal"
            )
        for name in ("base", "medical"):
            runtime.invoke_endpoint(EndpointName="shared", Body=body(), InferenceComponentName=name)
        sagemaker.update_inference_component_runtime_config(
            InferenceComponentName="base", DesiredRuntimeConfig={"CopyCount": 0}
        )
        with pytest.raises(ClientError, match="no capacity"):
            runtime.invoke_endpoint(
                EndpointName="shared", Body=body(), InferenceComponentName="medical"
            )
    header = "x-amzn-sagemaker-adapter-identifier"
    assert [headers.get(header) for _, headers, _ in chat_api.seen] == [None, "medical"]


def test_an_asynchronous_answer_lies_in_s3(client: Any, chat_api: Any) -> None:
    s3, runtime = client("s3"), client("sagemaker-runtime")
    for name in ("answers", "questions"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="questions", Key="one.json", Body=body())
    ask = {
        "EndpointName": "async",
        "InputLocation": "s3://questions/one.json",
        "ContentType": "application/json",
    }
    with engine_behind(chat_api.url):
        good = runtime.invoke_endpoint_async(**ask)
        chat_api.status = 500
        bad = runtime.invoke_endpoint_async(**ask)
        with pytest.raises(ClientError, match="not an asynchronous one"):
            runtime.invoke_endpoint_async(**{**ask, "EndpointName": "plain"})
    key = good["OutputLocation"].removeprefix("s3://answers/")
    said = json.loads(s3.get_object(Bucket="answers", Key=key)["Body"].read())
    assert said["choices"][0]["message"]["content"] == "The capital is Paris."
    key = bad["FailureLocation"].removeprefix("s3://answers/")
    assert b"500" in s3.get_object(Bucket="answers", Key=key)["Body"].read()


def test_the_openai_path_takes_bearer_tokens(aws: EmbeddedAws, client: Any, chat_api: Any) -> None:
    url = f"{aws.endpoint_url}/endpoints/plain/openai/v1/chat/completions"
    headers = with_token(REGION)
    with engine_behind(chat_api.url):
        with urlopen(Request(url, body(), headers), timeout=10) as answer:
            said = json.loads(answer.read())
        with urlopen(Request(url, body(stream=True), headers), timeout=10) as answer:
            streamed = answer.read()
        for wrong in ("", "Bearer token", "Bearer sagemaker-api-key-abc"):
            assert refused(Request(url, body(), {**headers, "Authorization": wrong})) == 403
        assert refused(Request(url, body(), with_token("us-east-1"))) == 400  # not there
        # SageMaker has this one route, and no list of models.
        assert refused(Request(url.replace("chat/completions", "models"), body(), headers)) == 404
        chat_api.status = 404
        assert refused(Request(url, body(), headers)) == 404
    assert said["choices"][0]["message"]["content"] == "The capital is Paris."
    assert streamed.endswith(b"data: [DONE]\n\n")
    assert next(path for path, _, _ in chat_api.seen) == "/v1/chat/completions"


def with_token(region: str) -> dict[str, str]:
    token = bearer_token(Credentials("testing", "testing"), region)
    return {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}


def test_the_openai_path_names_a_component(aws: EmbeddedAws, client: Any, chat_api: Any) -> None:
    needs = {"NumberOfAcceleratorDevicesRequired": 1, "MinMemoryRequiredInMb": 1024}
    client("sagemaker").create_inference_component(
        InferenceComponentName="named",
        EndpointName="shared",
        VariantName="vllm",
        Specification={"ModelName": "m", "ComputeResourceRequirements": needs},
        RuntimeConfig={"CopyCount": 1},
    )
    place, rest = f"{aws.endpoint_url}/endpoints/shared", "openai/v1/chat/completions"
    headers = with_token(REGION)
    with engine_behind(chat_api.url):
        for wrong in (f"{place}/{rest}", f"{place}/inference-components/other/{rest}"):
            assert refused(Request(wrong, body(), headers)) == 400
        url = f"{place}/inference-components/named/{rest}"
        with urlopen(Request(url, body(), headers), timeout=10) as answer:
            said = json.loads(answer.read())
    assert said["choices"][0]["message"]["content"] == "The capital is Paris."


def test_an_endpoint_that_captures_nothing_says_nothing_of_it(client: Any) -> None:
    # SageMaker's own client refuses an answer with an empty table.
    told = client("sagemaker").describe_endpoint(EndpointName="plain")
    assert "DataCaptureConfig" not in told


def test_a_broken_stream_is_told_to_the_client(client: Any) -> None:
    """A container that dies in the middle of an answer: half of it is not a whole."""
    import socket
    import threading

    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nff\r\nhalf"
            )

    thread = threading.Thread(target=serve)
    thread.start()
    with engine_behind(f"http://127.0.0.1:{listener.getsockname()[1]}"):
        answer = client("sagemaker-runtime").invoke_endpoint_with_response_stream(
            EndpointName="plain", Body=body(stream=True)
        )
        with pytest.raises(EventStreamError, match="ModelStreamError"):
            list(answer["Body"])
        answer["Body"].close()
    thread.join()
    listener.close()
