"""Through SageMaker's runtime, answered by an engine behind the embedded AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.embedded_aws.sagemaker_engine import engine_behind
from cdk_vllm.embedded_aws.server import EmbeddedAws
from cdk_vllm.errors import CdkVllmError
from cdk_vllm.live import chat, over_sagemaker

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    variant = {
        "VariantName": "vllm",
        "ModelName": "m",
        "InstanceType": "ml.g6e.2xlarge",
        "InitialInstanceCount": 1,
    }
    with EmbeddedAws() as aws:
        sagemaker = aws.client("sagemaker", "us-east-1")
        sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "i"})
        sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName="chat", EndpointConfigName="c")
        sagemaker.create_endpoint_config(
            EndpointConfigName="later",
            ProductionVariants=[variant],
            AsyncInferenceConfig={"OutputConfig": OUTPUT},
        )
        sagemaker.create_endpoint(EndpointName="later", EndpointConfigName="later")
        aws.client("s3", "us-east-1").create_bucket(Bucket="answers")
        yield lambda service: aws.client(service, "us-east-1")


OUTPUT = {"S3OutputPath": "s3://answers/answers/", "S3FailurePath": "s3://answers/failed/"}


@pytest.fixture
def runtime(client: Any) -> Any:
    return client("sagemaker-runtime")


def ask(runtime: Any, endpoint: str = "chat", *, stream: bool, component: str = "") -> chat.Answer:
    request = chat.body("m", max_tokens=8, stream=stream)
    return over_sagemaker.ask(runtime, endpoint, request, stream=stream, component=component)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_comes_whole_and_in_parts(runtime: Any, chat_api: Any, stream: bool) -> None:
    with engine_behind(chat_api.url):
        answer = ask(runtime, stream=stream)
    assert (answer.text, answer.tokens) == ("The capital is Paris.", 5)
    if stream:
        assert answer.first_token_seconds is not None
        assert answer.first_token_seconds < answer.seconds


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_says_whose_it_is(runtime: Any, chat_api: Any, stream: bool) -> None:
    chat_api.status = 400
    with engine_behind(chat_api.url):
        with pytest.raises(CdkVllmError, match=r"chat refused: ModelError: .*400"):
            ask(runtime, stream=stream)
        with pytest.raises(CdkVllmError, match="nowhere refused: ValidationError"):
            ask(runtime, "nowhere", stream=stream)
        with pytest.raises(CdkVllmError, match="component legal of chat not found"):
            ask(runtime, stream=stream, component="legal")


def test_a_stream_that_breaks_off_is_no_answer(runtime: Any, chat_api: Any) -> None:
    chat_api.breaks_off = True
    with engine_behind(chat_api.url), pytest.raises(CdkVllmError, match="broke off"):
        ask(runtime, stream=True)


def later(client: Any, endpoint: str = "later", seconds: float = 5) -> chat.Answer:
    request = chat.body("m", max_tokens=8, stream=False)
    return over_sagemaker.ask_later(client, endpoint, request, seconds=seconds)


def test_an_asynchronous_answer_is_fetched_where_it_was_put(client: Any, chat_api: Any) -> None:
    with engine_behind(chat_api.url):
        answer = later(client)
    assert (answer.text, answer.tokens) == ("The capital is Paris.", 5)
    keys = [o["Key"] for o in client("s3").list_objects_v2(Bucket="answers")["Contents"]]
    assert sorted(key.partition("/")[0] for key in keys) == ["answers", "requests"]


def test_an_asynchronous_failure_says_what_the_container_said(client: Any, chat_api: Any) -> None:
    chat_api.status = 500
    with engine_behind(chat_api.url), pytest.raises(CdkVllmError, match=r"later failed: .*500"):
        later(client)


def test_an_endpoint_that_answers_at_once_is_not_asked_later(client: Any) -> None:
    with pytest.raises(CdkVllmError, match="chat is not an asynchronous endpoint"):
        later(client, "chat")


def test_an_answer_that_does_not_come_is_given_up(client: Any) -> None:
    slow: Any = type("Runtime", (), {"invoke_endpoint_async": lambda _, **asked: PROMISED})()
    with pytest.raises(CdkVllmError, match=r"put no answer at s3://answers/not-yet in 0 s"):
        later(
            lambda service: slow if service == "sagemaker-runtime" else client(service), seconds=0
        )


PROMISED = {"OutputLocation": "s3://answers/not-yet", "FailureLocation": "s3://answers/not-failed"}
