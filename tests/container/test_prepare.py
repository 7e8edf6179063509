"""The init container as a program: its words, its lines, its exit status."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import prepare

if TYPE_CHECKING:
    from tests.container.conftest import Said
    from tests.container.pushed import Store

PREPARE = Path(prepare.__file__)


def test_a_whole_model_is_one_line(said: Said, model: Store) -> None:
    assert said.prepare("--model", model.uri) == 0
    assert said.out.startswith(f"{model.uri}: 4 files, 0.0 MB, as the manifest says (")
    assert said.err == ""


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "nothing to do: give --model, or --adapter; see prepare.py --help"),
        (("--download-to", "/model"), "--download-to needs --model; see prepare.py --help"),
        (("--model",), "argument --model: expected one argument; see prepare.py --help"),
        (("--modle", "x"), "unrecognized arguments: --modle x; see prepare.py --help"),
        (("--model", "/models/a"), "is not an address of the form s3://BUCKET/PREFIX/"),
        (("--model", "s3://bucket"), "is not an address of the form s3://BUCKET/PREFIX/"),
        (("--model", "s3://bucket/a/../b"), "is not an address of the form s3://BUCKET/PREFIX/"),
        (("--adapter", "a=s3://bucket/a/b"), "--adapter needs --adapters-to"),
        (("--adapter", "a", "--adapters-to", "/a"), '"a" is not of the form NAME=s3://'),
    ],
)
def test_words_that_make_no_sense(said: Said, words: tuple[str, ...], why: str) -> None:
    assert why in said.refusal(*words)


def test_as_a_program_it_says_the_same(model: Store, tmp_path: Path) -> None:
    command = [sys.executable, "-B", str(PREPARE), "--model", model.uri]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "as the manifest says" in done.stdout
    assert done.stderr == ""
    model.delete("manifest.json")
    failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert failed.stderr.startswith("cdk-vllm: ")
    assert failed.stderr.count("\n") == 1


def test_without_boto3_it_names_the_image(model: Store) -> None:
    command = [sys.executable, "-BES", str(PREPARE), "--model", model.uri]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "cdk-vllm: this image has no boto3; build it on vllm/vllm-openai, which has boto3\n"
    )


def test_it_stops_when_told_to(tmp_path: Path) -> None:
    # Process 1 of a container ignores what it has no handler for.
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        variables = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "us-east-1",
        }
        process = subprocess.Popen(
            [sys.executable, "-B", str(PREPARE), "--model", "s3://bucket/a/b"],
            env={"PATH": os.environ["PATH"], **variables},
        )
        connection, _ = silent.accept()
        with connection:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 128 + signal.SIGTERM
