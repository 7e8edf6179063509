"""A model that is not whole: said in one line within seconds, before vLLM would start."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.local.processes import free_port
from cdk_vllm.model_prefix import model_prefix
from cdk_vllm.model_store import push
from tests.engine.serving.replica import ENTRYPOINT, MODEL_DIRECTORY, PREPARE, PREPARE_SECONDS

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.engine.serving.models import Models
    from tests.engine.serving.replica import Serving

FAST_SECONDS = 20.0


@dataclass(frozen=True)
class Store:
    """A copy of the pushed model, to be damaged, and what checks it."""

    serving: Serving
    prefix: str

    @property
    def uri(self) -> str:
        """Where the copy lies."""
        return f"s3://{self.serving.cloud.bucket}/{self.prefix}"

    def put(self, name: str, body: bytes) -> None:
        """Write an object beside or over the model's."""
        cloud = self.serving.cloud
        cloud.s3.put_object(Bucket=cloud.bucket, Key=self.prefix + name, Body=body)

    def delete(self, name: str) -> None:
        """Delete one of the model's objects."""
        cloud = self.serving.cloud
        cloud.s3.delete_object(Bucket=cloud.bucket, Key=self.prefix + name)

    def refusal(self, uri: str = "", environment: Mapping[str, str] | None = None) -> str:
        """Return the one line with which the init container refuses."""
        machine = self.serving.machine()
        variables = self.serving.of_image() | dict(environment or {})
        begun = time.monotonic()
        done = machine.run([*PREPARE, "--model", uri or self.uri], variables, PREPARE_SECONDS)
        assert time.monotonic() - begun < FAST_SECONDS
        return one_line(done)


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the only line of standard error of a container that ended with 1."""
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("cdk-vllm: ")
    return line


@pytest.fixture
def store(serving: Serving, models: Models, request: pytest.FixtureRequest) -> Store:
    cloud, place = serving.cloud, {"model": "copies/model", "revision": request.node.name}
    push(cloud.s3, bucket=cloud.bucket, directory=models.qwen3, **place)
    return Store(serving, model_prefix(**place))


@pytest.fixture(scope="module")
def locked() -> Iterator[str]:
    """Return the address of an S3 that denies everything."""

    class Denied(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Denied) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_file_with_other_content_is_refused(store: Store, models: Models) -> None:
    weights = bytearray((models.qwen3 / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    store.put("model.safetensors", bytes(weights))
    assert "model.safetensors" in store.refusal()


def test_a_file_that_is_cut_short_is_refused(store: Store) -> None:
    store.put("config.json", b"{}")
    assert "config.json" in store.refusal()


def test_a_missing_shard_is_refused(store: Store) -> None:
    store.delete("model.safetensors")
    assert "model.safetensors" in store.refusal()


def test_weights_beside_the_models_own_are_refused(store: Store) -> None:
    store.put("consolidated.safetensors", b"another copy")
    assert "consolidated.safetensors" in store.refusal()


def test_a_model_without_a_manifest_is_refused(store: Store) -> None:
    store.delete("manifest.json")
    assert "manifest.json" in store.refusal()


def test_a_model_of_pickles_is_refused(store: Store) -> None:
    """As somebody would copy it by hand, for `push` refuses it."""
    store.delete("manifest.json")
    store.delete("model.safetensors")
    store.put("pytorch_model.bin", b"pickled")
    assert "pickled" in store.refusal()


def test_a_bucket_that_does_not_exist_is_named(store: Store) -> None:
    assert "no-such-bucket" in store.refusal("s3://no-such-bucket/models/a/b/c/")


def test_a_bucket_that_may_not_be_read_is_named(store: Store, locked: str) -> None:
    refusal = store.refusal(environment={"AWS_ENDPOINT_URL": locked})
    assert store.serving.cloud.bucket in refusal
    assert "AccessDenied" in refusal or "denied" in refusal.lower()


def test_an_s3_that_is_out_of_reach_is_named(store: Store) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    assert endpoint in store.refusal(environment={"AWS_ENDPOINT_URL": endpoint})


def test_missing_credentials_are_named(store: Store) -> None:
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""}
    assert "credentials" in store.refusal(environment=none).lower()


@pytest.mark.parametrize("damage", ["missing", "short", "stray"])
def test_sagemakers_folder_is_checked_before_vllm_starts(serving: Serving, damage: str) -> None:
    machine = serving.machine()
    folder = serving.cloud.download(
        serving.cloud.model_uri("summaries"), machine.mounts[MODEL_DIRECTORY]
    )
    weights = folder / "model.safetensors"
    if damage == "missing":
        weights.unlink()
    elif damage == "short":
        weights.write_bytes(weights.read_bytes()[:-1])
    else:
        (folder / "consolidated.safetensors").write_bytes(b"another copy")
    begun = time.monotonic()
    done = machine.run(ENTRYPOINT, serving.of_image(), PREPARE_SECONDS)
    assert time.monotonic() - begun < FAST_SECONDS
    assert ".safetensors" in one_line(done)


def test_the_manifest_is_the_one_that_push_wrote(serving: Serving, tmp_path: Path) -> None:
    """Otherwise everything above could be refused for another reason."""
    cloud = serving.cloud
    folder = cloud.download(cloud.model_uri("chat"), tmp_path)
    names = {file["name"] for file in json.loads((folder / "manifest.json").read_text())["files"]}
    assert names == {file.name for file in folder.iterdir()} - {"manifest.json"}
    done = serving.machine().run(
        [*PREPARE, "--model", cloud.model_uri("chat")], serving.of_image(), PREPARE_SECONDS
    )
    assert done.returncode == 0, done.stderr
