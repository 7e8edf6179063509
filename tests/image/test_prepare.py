"""The init container's program, in the image and under the limits of the task's own container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.image.conftest import BUCKET, MODEL, REGION, REVISION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.embedded_aws.server import EmbeddedAws
    from tests.image.ecs import Machine

PREFIX = f"models/{MODEL}/{REVISION}/"
WORDS = ["python3", "/opt/cdk-vllm/prepare.py"]
SECONDS = 120


def prepare(machine: Machine, task: dict[str, Any], *words: str) -> tuple[int, str]:
    """Return the exit status and the output of the program in the place of vLLM."""
    (vllm,) = (each for each in task["ContainerDefinitions"] if each["Essential"])
    changed = vllm | {"Name": "prepare", "EntryPoint": WORDS, "Command": list(words)}
    with machine.run(task | {"ContainerDefinitions": [changed]}) as ended:
        status = ended.process.wait(timeout=SECONDS)
        return status, ended.log.read_text("utf-8").replace("\r", "")


@pytest.fixture
def stray(aws: EmbeddedAws) -> Iterator[str]:
    """Put a shard beside the model that its manifest does not name."""
    s3, name = aws.client("s3", REGION), "consolidated.safetensors"
    s3.put_object(Bucket=BUCKET, Key=PREFIX + name, Body=b"another model")
    yield name
    s3.delete_object(Bucket=BUCKET, Key=PREFIX + name)


def test_a_whole_model_takes_one_line(machine: Machine, task: dict[str, Any]) -> None:
    status, said = prepare(machine, task, "--model", f"s3://{BUCKET}/{PREFIX}")
    assert status == 0, said
    assert len(said.splitlines()) == 1


def test_a_model_is_brought_to_the_disk(machine: Machine, task: dict[str, Any]) -> None:
    target = "/var/cache/vllm/models/here"
    words = ("--model", f"s3://{BUCKET}/{PREFIX}", "--download-to", target)
    status, said = prepare(machine, task, *words)
    assert status == 0, said
    folder = machine.folder / "cache" / "models" / "here"
    assert {"config.json", "model.safetensors"} <= {path.name for path in folder.iterdir()}


def test_a_shard_too_many_ends_the_task_with_one_sentence(
    machine: Machine, task: dict[str, Any], stray: str
) -> None:
    status, said = prepare(machine, task, "--model", f"s3://{BUCKET}/{PREFIX}")
    assert status == 1
    assert said.startswith("cdk-vllm: ")
    assert len(said.splitlines()) == 1
    assert stray in said
