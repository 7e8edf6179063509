"""LoRA adapters found by name in S3 while the server runs, by the plugin in the image.

One vLLM serves all of these tests, in their order; the last one replaces it by another.
"""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.container.between import Between
from tests.container.pushed import Store
from tests.engine.ask import FOR_GPUS
from tests.engine.serving.models import files_of
from tests.engine.serving.replica import API_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from tests.engine.serving.cloud import Cloud
    from tests.engine.serving.models import Models
    from tests.engine.serving.replica import Replica, Serving

# Two in memory: with three of them, some are read from the disk again.
OPTIONS = ["--max-cpu-loras", "2"]
SERVICE = "published"
GOOD = ("medical", "legal", "tickets")
# A new name is found after this at the latest.
NAMES_SECONDS = 10.0
STOP_SECONDS = 120.0
NO_NAMES = [
    "../chat/medical",
    "medical/..",
    "medical/../legal",
    "/adapters/medical",
    "Medical",
    "medical ",
    "medical\x00",
    "registered.json",
    "..",
    ".",
    "a" * 200,
]
NO_ROUTES = [
    "/v1/load_lora_adapter",
    "/v1/unload_lora_adapter",
    "/V1/load_lora_adapter",
    "//v1/load_lora_adapter",
    "/v1/load_lora_adapter/",
    "/v1/%6coad_lora_adapter",
    "/v1%2fload_lora_adapter",
    "/v1/models/../load_lora_adapter",
    "/v1/models/%2e%2e/load_lora_adapter",
    "/adapters",
    "/adapters/medical",
    "//adapters",
    "/invocations",
    "/tokenize",
    "/detokenize",
    "/inference/v1/generate",
    "/version",
]
REFUSALS = {
    "wide": "adapter wide has rank 32 and this server was planned for 16",
    "pickled": "pickle, which can run code and is never loaded",
    "half": "has no adapter_model.safetensors",
    "text": "no adapter_config.json of a LoRA adapter",
    "ia3": "no adapter_config.json of a LoRA adapter",
    "garbled": "was found but could not be loaded",
    "stranger": "was found but could not be loaded",
    "changed": "has other content than the manifest says",
}


def push(cloud: Cloud, name: str, contents: dict[str, bytes]) -> Store:
    """Push and register an adapter of the service."""
    store = Store(cloud.s3, cloud.bucket, "", "", "")
    pushed = store.adapter(name, contents, service=SERVICE)
    pushed.register(name, pushed.revision, service=SERVICE)
    return pushed


def ask(replica: Replica, model: str) -> tuple[int, str]:
    """Return the status, and the text or the error's message."""
    body = {"model": model, "prompt": "The quick brown", "max_tokens": 16, "temperature": 0}
    answer = replica.request("POST", "/v1/completions", body)
    told = answer.json()
    if answer.status == 200:
        return 200, str(told["choices"][0]["text"])
    return answer.status, str(told["error"]["message"])


def listed(replica: Replica) -> dict[str, str]:
    """Return where each model that the server knows lies."""
    return {m["id"]: m["root"] for m in replica.request("GET", "/v1/models").json()["data"]}


@pytest.fixture(scope="module")
def written(models: Models) -> dict[str, Path]:
    """All adapters of these tests as folders, written at once."""
    larger = models.directory / "larger"
    larger.mkdir()
    described = json.loads((models.qwen3 / "config.json").read_text("utf-8"))
    (larger / "config.json").write_text(json.dumps(described | {"hidden_size": 256}), "utf-8")
    seeds = {name: {"seed": seed} for seed, name in enumerate((*GOOD, "unasked", "late"), start=11)}
    odd: dict[str, dict[str, Any]] = {
        "good": {"seed": 31},
        "wide": {"seed": 32, "rank": 32},
        "stranger": {"seed": 33, "model": larger},
    }
    return models.adapters(seeds | odd)


@pytest.fixture(scope="module")
def adapters(cloud: Cloud, written: dict[str, Path]) -> dict[str, Store]:
    """The good ones, one that nobody asks for, and one for everything that can be wrong."""
    pushed = {name: push(cloud, name, files_of(written[name])) for name in (*GOOD, "unasked")}
    good = files_of(written["good"])
    config = json.loads(good["adapter_config.json"])
    push(cloud, "wide", files_of(written["wide"]))
    push(cloud, "pickled", good | {"adapter_model.bin": b"\x80\x04."})
    push(cloud, "half", {"adapter_config.json": good["adapter_config.json"]})
    push(cloud, "text", good | {"adapter_config.json": b"{"})
    ia3 = json.dumps(config | {"peft_type": "IA3"}).encode()
    push(cloud, "ia3", good | {"adapter_config.json": ia3})
    push(cloud, "garbled", good | {"adapter_model.safetensors": b"no tensors"})
    push(cloud, "stranger", files_of(written["stranger"]))
    changed = push(cloud, "changed", good | {"note.txt": b"as it was pushed"})
    changed.put("note.txt", b"as it is now....")
    return pushed


@pytest.fixture(scope="module")
def between(cloud: Cloud) -> Iterator[Between]:
    with Between(cloud.aws.endpoint_url) as found:
        yield found


def serve(serving: Serving, between: Between) -> AbstractContextManager[Replica]:
    return serving.serve(SERVICE, OPTIONS, {"AWS_ENDPOINT_URL": between.endpoint_url})


@pytest.fixture(scope="module")
def replica(serving: Serving, between: Between, adapters: dict[str, Store]) -> Iterator[Replica]:
    with serve(serving, between) as found:
        yield found


@pytest.fixture(scope="module")
def texts(replica: Replica) -> dict[str, str]:
    """What the model and each good adapter answer."""
    answers = {name: ask(replica, name) for name in (replica.model, *GOOD)}
    assert {status for status, _ in answers.values()} == {200}, answers
    return {name: text for name, (_, text) in answers.items()}


def test_the_model_and_each_adapter_answer_in_their_own_way(texts: dict[str, str]) -> None:
    assert len(set(texts.values())) == 1 + len(GOOD), texts


def test_an_adapter_answers_a_chat_under_its_name(replica: Replica) -> None:
    assert replica.chat(model="medical")["model"] == "medical"


def test_an_adapter_is_listed_once_it_was_asked_for(
    replica: Replica, adapters: dict[str, Store]
) -> None:
    found = listed(replica)
    assert set(found) == {replica.model, *GOOD}
    for name in GOOD:
        assert found[name].endswith(f"/adapters/{name}/{adapters[name].revision}")


def test_an_adapters_files_cannot_be_written(replica: Replica) -> None:
    found = listed(replica)
    for folder in (Path(found[name]) for name in GOOD):
        assert folder.stat().st_mode & 0o777 == 0o555
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}


def test_an_adapter_registered_later_answers_within_seconds(
    replica: Replica, cloud: Cloud, written: dict[str, Path], texts: dict[str, str]
) -> None:
    assert ask(replica, "late")[0] == 404
    push(cloud, "late", files_of(written["late"]))
    begun = time.monotonic()
    while (answer := ask(replica, "late"))[0] == 404:
        assert time.monotonic() - begun < NAMES_SECONDS + 3
        time.sleep(0.5)
    assert answer[0] == 200
    assert answer[1] not in texts.values()


def test_names_that_nobody_registered_cost_no_request_each(
    replica: Replica, between: Between
) -> None:
    before, begun = len(between.requests), time.monotonic()
    assert {ask(replica, f"nobody-{number}")[0] for number in range(100)} == {404}
    asked = len(between.requests) - before
    assert asked <= 1 + (time.monotonic() - begun) / NAMES_SECONDS


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_is_no_path(replica: Replica, name: str) -> None:
    assert ask(replica, name)[0] == 404


@pytest.mark.parametrize("key", [API_KEY, None], ids=["with the key", "without"])
@pytest.mark.parametrize("path", NO_ROUTES)
def test_no_route_changes_what_is_loaded(replica: Replica, path: str, key: str | None) -> None:
    body = {"model": "unasked", "lora_name": "evil", "lora_path": "/tmp", "name": "evil"}
    for method in ("POST", "GET", "DELETE"):
        assert raw(replica, method, path, body, key) == 404, method


def raw(replica: Replica, method: str, path: str, body: object, key: str | None) -> int:
    """Send a path as it is, and return the status: most clients would tidy it up."""
    connection = http.client.HTTPConnection("127.0.0.1", replica.server.port, timeout=30)
    headers = {"Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    try:
        connection.request(method, path, json.dumps(body), headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/health", "/ping", "/metrics"])
def test_the_load_balancer_and_the_alarms_need_no_key(replica: Replica, path: str) -> None:
    assert replica.request("GET", path, key=None).status == 200


def test_without_the_key_no_adapter_is_fetched(replica: Replica, between: Between) -> None:
    for path in ("/v1/completions", "/v1/chat/completions", "/v1/responses", "/v1/messages"):
        assert replica.request("POST", path, {"model": "unasked"}, key=None).status == 401
    assert between.count("unasked") == 0


@pytest.mark.parametrize("name", REFUSALS)
def test_an_adapter_that_cannot_be_used_is_refused_and_the_others_go_on(
    replica: Replica, texts: dict[str, str], name: str
) -> None:
    for _ in range(3):
        status, text = ask(replica, name)
        assert status == 400, text
        assert REFUSALS[name] in text
        assert "s3://" not in text
    for known in (replica.model, "medical"):
        assert ask(replica, known) == (200, texts[known])


def test_an_adapter_deleted_in_s3_goes_on_answering(
    replica: Replica, adapters: dict[str, Store], texts: dict[str, str]
) -> None:
    for name in ("adapter_config.json", "adapter_model.safetensors", "manifest.json"):
        adapters["medical"].delete(name)
    for name in ("legal", "tickets", "legal", "tickets", "medical"):
        assert ask(replica, name) == (200, texts[name])
    assert replica.request("GET", "/health").status == 200


def test_a_store_that_refuses_is_no_missing_adapter(
    replica: Replica, between: Between, texts: dict[str, str]
) -> None:
    between.refuse("adapters", 403, "AccessDenied")
    time.sleep(NAMES_SECONDS + 0.5)
    status, text = ask(replica, "unasked")
    assert (status, "does not answer" in text, "s3://" in text) == (503, True, False), text
    assert ask(replica, "legal") == (200, texts["legal"])
    between.allow()


def test_another_replica_knows_the_same_names(
    replica: Replica,
    serving: Serving,
    between: Between,
    texts: dict[str, str],
) -> None:
    assert replica.server.stop(STOP_SECONDS) == 0
    with serve(serving, between) as another:
        for name in ("legal", "tickets"):
            assert ask(another, name) == (200, texts[name])


@pytest.mark.parametrize(
    ("file", "words"),
    {
        "lora/resolver.py": ["async def resolve_lora", "def register_resolver"],
        "entrypoints/openai/models/serving.py": [
            "self.lora_resolver_lock: dict[str, Lock]",
            "lora_request.lora_int_id = unique_id",
        ],
        "entrypoints/launchers/api_server/app_state.py": ["state.openai_serving_models = "],
        "entrypoints/serve/middleware/register.py": ["app.add_middleware(imported)"],
        "exceptions.py": ["class RetryableRequestError", "class VLLMValidationError"],
        "plugins/__init__.py": ['DEFAULT_PLUGINS_GROUP = "vllm.general_plugins"'],
    }.items(),
)
def test_the_release_in_the_image_has_what_the_plugin_stands_on(
    file: str, words: list[str]
) -> None:
    text = (FOR_GPUS / "vllm" / file).read_text("utf-8")
    for word in words:
        assert word in text
