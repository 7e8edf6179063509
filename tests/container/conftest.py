"""A store to test against: S3 over HTTP, and the init container run on it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

import prepare
from cdk_vllm.embedded_aws.server import EmbeddedAws
from tests.container.between import Between
from tests.container.pushed import Store, big_files, model_files

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "us-east-1"
_NUMBERS = itertools.count()


class Said:
    """Runs the init container in this process, and keeps what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def prepare(self, *words: object) -> int:
        """Return the exit status."""
        self._capsys.readouterr()
        status = prepare.main([str(word) for word in words])
        self.out, self.err = self._capsys.readouterr()
        return status

    def refusal(self, *words: object) -> str:
        """Return the one sentence of a failure."""
        assert self.prepare(*words) == 1, self.out
        (line,) = self.err.splitlines()
        assert line.startswith("cdk-vllm: ")
        return line.removeprefix("cdk-vllm: ")


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said(capsys)


@pytest.fixture(scope="session")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as server:
        yield server


@pytest.fixture
def environment(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The variables of a task on the embedded AWS, and of nobody else."""
    for name in ("AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in aws.environment(REGION).items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def between(aws: EmbeddedAws, environment: pytest.MonkeyPatch) -> Iterator[Between]:
    """A server between the container and S3, through which the container's requests go."""
    with Between(aws.endpoint_url) as found:
        environment.setenv("AWS_ENDPOINT_URL", found.endpoint_url)
        yield found


@pytest.fixture
def store(aws: EmbeddedAws, environment: pytest.MonkeyPatch) -> Store:
    """An empty prefix of a model, in a bucket of its own that keeps versions."""
    s3 = aws.client("s3", REGION)
    bucket = f"models-{next(_NUMBERS)}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return Store(s3, bucket, "models/org/name/c0ffee/", "org/name", "c0ffee")


@pytest.fixture
def model(store: Store) -> Store:
    """A whole model."""
    store.push(model_files())
    return store


@pytest.fixture
def big_model(store: Store) -> Store:
    """A whole model, one of its files in several parts."""
    store.push(big_files())
    return store
