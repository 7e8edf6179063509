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
def runtime() -> Iterator[Any]:
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
        yield aws.client("sagemaker-runtime", "us-east-1")


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
