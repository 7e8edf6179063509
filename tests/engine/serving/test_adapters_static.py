"""Adapters and weights that the init container brings to the disk before vLLM starts.

One vLLM serves all of these tests, in their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.serving.models import PINNED
from tests.engine.serving.replica import API_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.container.pushed import Store
    from tests.engine.serving.cloud import Cloud
    from tests.engine.serving.replica import Replica, Serving

# Two fit into memory, so that the third is read again from the volume.
OPTIONS = ["--max-cpu-loras", "2"]


def ask(replica: Replica, model: str) -> tuple[int, str]:
    """Return the status, and the text or the error's message."""
    body = {"model": model, "prompt": "The quick brown", "max_tokens": 16, "temperature": 0}
    answer = replica.request("POST", "/v1/completions", body)
    told = answer.json()
    if answer.status == 200:
        return 200, str(told["choices"][0]["text"])
    return answer.status, str(told["error"]["message"])


@pytest.fixture(scope="module")
def adapters(cloud: Cloud) -> dict[str, Store]:
    """Three adapters in S3, pinned; none of them is registered."""
    return cloud.pinned


@pytest.fixture(scope="module")
def replica(serving: Serving) -> Iterator[Replica]:
    with serving.serve("tenants", OPTIONS) as found:
        yield found


@pytest.fixture(scope="module")
def texts(replica: Replica) -> dict[str, str]:
    answers = {name: ask(replica, name) for name in (replica.model, *PINNED)}
    assert {status for status, _ in answers.values()} == {200}, answers
    return {name: text for name, (_, text) in answers.items()}


def test_weights_come_from_the_disk(replica: Replica, cloud: Cloud) -> None:
    log = replica.server.log.read_text()
    assert "Model Streamer" not in log
    assert cloud.model_uri("tenants") not in log


def test_the_model_and_each_adapter_answer_in_their_own_way(texts: dict[str, str]) -> None:
    assert len(set(texts.values())) == 1 + len(PINNED), texts


def test_all_are_listed_from_the_start(replica: Replica, adapters: dict[str, Store]) -> None:
    found = {m["id"]: m for m in replica.request("GET", "/v1/models").json()["data"]}
    assert set(found) == {replica.model, *PINNED}
    for name, adapter in adapters.items():
        assert found[name]["parent"] == replica.model
        assert found[name]["root"].endswith(f"/{name}/{adapter.revision}")


def test_more_adapters_than_memory_holds_are_read_again(
    replica: Replica, texts: dict[str, str]
) -> None:
    for name in PINNED * 2:
        assert ask(replica, name) == (200, texts[name])


@pytest.mark.parametrize("name", ["nobody", "../medical", "/adapters/medical", "Medical"])
def test_another_name_is_unknown(replica: Replica, name: str) -> None:
    assert ask(replica, name)[0] == 404


@pytest.mark.parametrize("path", ["/v1/load_lora_adapter", "/v1/unload_lora_adapter", "/adapters"])
@pytest.mark.parametrize("key", [API_KEY, None])
def test_nothing_is_loaded_while_it_runs(replica: Replica, path: str, key: str | None) -> None:
    asked = {"lora_name": "evil", "lora_path": "/tmp", "name": "evil", "src": "/tmp"}
    # vLLM asks for the key before it looks for the route.
    expected = 404 if key or path == "/adapters" else 401
    assert replica.request("POST", path, asked, key).status == expected


def test_the_volume_cannot_be_written(replica: Replica, serving: Serving, cloud: Cloud) -> None:
    for name, adapter in cloud.pinned.items():
        folder = serving.machine().mounts["/adapters"] / name / adapter.revision
        assert folder.stat().st_mode & 0o777 == 0o555
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}


def test_the_next_task_on_the_instance_fetches_nothing(replica: Replica, serving: Serving) -> None:
    said = serving.prepare(serving.machine(), "tenants")
    assert said.count("was there already") == 1 + len(PINNED), said


def test_what_is_deleted_in_s3_does_not_matter(
    replica: Replica, adapters: dict[str, Store], texts: dict[str, str]
) -> None:
    for name in ("adapter_config.json", "adapter_model.safetensors", "manifest.json"):
        adapters["medical"].delete(name)
    for name in ("legal", "tickets", "medical"):
        assert ask(replica, name) == (200, texts[name])
