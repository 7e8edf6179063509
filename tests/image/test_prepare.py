"""The init container of a task, in the image, with its own words and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.image.conftest import ADAPTER, BUCKET, MODEL, REGION, REVISION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.embedded_aws.server import EmbeddedAws
    from tests.container.pushed import Store
    from tests.image.ecs import Machine

PREFIX = f"models/{MODEL}/{REVISION}/"
SECONDS = 120


def prepare(machine: Machine, task: dict[str, Any]) -> tuple[int, str]:
    """Return the exit status and the output of a task's first container, run alone."""
    (first,) = (each for each in task["ContainerDefinitions"] if not each["Essential"])
    with machine.run(task | {"ContainerDefinitions": [first | {"Essential": True}]}) as ended:
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
    status, said = prepare(machine, task)
    assert status == 0, said
    assert len(said.splitlines()) == 1


def test_a_model_and_an_adapter_are_brought_to_the_disk(
    machine: Machine, task_on_disk: dict[str, Any], adapter: Store
) -> None:
    status, said = prepare(machine, task_on_disk)
    assert status == 0, said
    assert len(said.splitlines()) == 3
    for folder in (PREFIX, f"adapters/{ADAPTER}/{adapter.revision}"):
        found = {path.name: path.stat() for path in (machine.folder / folder).iterdir()}
        assert any(name.endswith(".safetensors") for name in found)
        assert {status.st_uid for status in found.values()} == {2000}


def test_a_shard_too_many_ends_the_task_with_one_sentence(
    machine: Machine, task: dict[str, Any], stray: str
) -> None:
    status, said = prepare(machine, task)
    assert status == 1
    assert said.startswith("cdk-vllm: ")
    assert len(said.splitlines()) == 1
    assert stray in said
