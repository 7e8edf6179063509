"""The job in AWS; `constructs/test_push_job.py` runs it as CodeBuild does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.errors import InputError
from cdk_vllm.model_store import Prefix
from cdk_vllm.model_store.job import files_that_fit, main
from tests.cdk_vllm.loopback_hub import COMMIT

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.cdk_vllm.loopback_hub import Repository


@pytest.fixture(autouse=True)
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("BUCKET", "models"),
        ("MODEL", "org/name"),
        ("REVISION", "main"),
        ("WORK_DIRECTORY", str(work)),
    ):
        monkeypatch.setenv(name, value)


def test_it_says_a_line_for_each_file_and_leaves_the_disk_empty(
    s3: S3Client, repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"org/name at {COMMIT}: 5 files, 0.00 GB"
    assert sorted(line.split()[0] for line in lines[1:-1]) == ["1/5", "2/5", "3/5", "4/5", "5/5"]
    place = Prefix(s3, "models", f"models/org/name/{COMMIT}/")
    assert lines[-1] == f"cdk-vllm: {place.uri}: 5 files sent, 0 kept"
    assert place.manifest() is not None
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MODEL", ""),
        ("MODEL", "name"),
        ("MODEL", "a/b/../../c"),
        ("MODEL", "a/.."),
        ("REVISION", "../x"),
        ("REVISION", "a b"),
        ("REVISION", "$(id)"),
    ],
)
def test_what_is_no_name_is_refused_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
) -> None:
    monkeypatch.setenv(variable, value)
    assert main() == 1
    assert capsys.readouterr().err.startswith(f'cdk-vllm: {variable} is "{value}"')


def test_what_aws_refuses_is_its_last_sentence(
    s3: S3Client,
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BUCKET", "no-such-bucket")
    assert main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cdk-vllm: AWS refused the push: ")


@pytest.mark.parametrize(
    ("sizes", "free", "files"), [([9], 9, 1), ([9, 9], 17, 1), ([1] * 9, 99, 4), ([5, 4, 3], 12, 3)]
)
def test_only_as_many_files_are_fetched_as_fit(sizes: list[int], free: int, files: int) -> None:
    named = {str(i): size for i, size in enumerate(sizes)}
    assert files_that_fit(named, free) == files


def test_a_file_larger_than_the_disk_is_refused() -> None:
    with pytest.raises(InputError, match="give PushJob a larger compute_type"):
        files_that_fit(json.loads('{"a": 10}'), 9)
