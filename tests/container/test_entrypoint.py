"""SageMaker's entry point, run with a `vllm` that only tells how it was called."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ENTRYPOINT = Path(__file__).parents[2] / "container" / "entrypoint.sh"
ALWAYS = ["--host=0.0.0.0", "--port=8080"]
TELL = f"""#!{sys.executable}
import json, os, sys
print(json.dumps([os.getpid(), sys.argv[1:], os.environ.get("SM_VLLM_PORT")]))
"""
WAIT = f"""#!{sys.executable}
import os, signal
def drain(number, frame):
    os.write(1, b"drained\\n")
    os._exit(7)
signal.signal(signal.SIGTERM, drain)
os.write(1, b"serving\\n")
signal.pause()
"""


def start(folder: Path, vllm: str, **environment: str) -> subprocess.Popen[str]:
    """Start the entry point as SageMaker does, with `vllm` first on the path."""
    program = folder / "vllm"
    program.write_text(vllm)
    program.chmod(0o755)
    return subprocess.Popen(
        ["/bin/bash", str(ENTRYPOINT), "serve"],
        env={"PATH": f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin", **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def arguments(folder: Path, **environment: str) -> list[str]:
    process = start(folder, TELL, **environment)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    _, argv, _ = json.loads(said)
    assert isinstance(argv, list)
    return argv


def test_the_argument_serve_is_dropped_and_the_model_is_where_sagemaker_puts_it(
    tmp_path: Path,
) -> None:
    assert arguments(tmp_path) == ["serve", "/opt/ml/model", *ALWAYS]


@pytest.mark.parametrize("model", ["s3://bucket/models/a b/", "/opt/ml/model/sub"])
def test_a_model_of_ones_own_is_the_positional_argument(tmp_path: Path, model: str) -> None:
    assert arguments(tmp_path, SM_VLLM_MODEL=model) == ["serve", model, *ALWAYS]


def test_an_empty_model_is_no_model(tmp_path: Path) -> None:
    assert arguments(tmp_path, SM_VLLM_MODEL="") == ["serve", "/opt/ml/model", *ALWAYS]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MAX_MODEL_LEN", "4096", "--max-model-len=4096"),
        ("ENFORCE_EAGER", "true", "--enforce-eager"),
        ("ENFORCE_EAGER", "True", "--enforce-eager"),
        ("ENFORCE_EAGER", "", "--enforce-eager"),
        ("ENABLE_PREFIX_CACHING", "false", "--no-enable-prefix-caching"),
        ("ENABLE_PREFIX_CACHING", "FALSE", "--no-enable-prefix-caching"),
        ("SERVED_MODEL_NAME", "a model", "--served-model-name=a model"),
        ("CHAT_TEMPLATE", "-{{ x }}\n* $HOME", "--chat-template=-{{ x }}\n* $HOME"),
        (
            "SPECULATIVE_CONFIG",
            '{"method": "ngram", "num_speculative_tokens": 4}',
            '--speculative-config={"method": "ngram", "num_speculative_tokens": 4}',
        ),
    ],
)
def test_a_variable_is_one_option(tmp_path: Path, name: str, value: str, expected: str) -> None:
    assert arguments(tmp_path, **{f"SM_VLLM_{name}": value})[2:-2] == [expected]


def test_other_variables_are_no_options(tmp_path: Path) -> None:
    argv = arguments(tmp_path, SM_VLLMISH="1", VLLM_NO_USAGE_STATS="1", SAGEMAKER_X="1")
    assert argv == ["serve", "/opt/ml/model", *ALWAYS]


def test_sagemaker_decides_the_port(tmp_path: Path) -> None:
    argv = arguments(tmp_path, SM_VLLM_PORT="9000", SM_VLLM_HOST="127.0.0.1")
    assert argv[-2:] == ALWAYS, "vLLM takes the last of two equal options"


def test_vllm_takes_over_the_process_and_its_environment(tmp_path: Path) -> None:
    process = start(tmp_path, TELL, SM_VLLM_PORT="9000")
    said, _ = process.communicate(timeout=30)
    pid, _, inherited = json.loads(said)
    assert pid == process.pid
    assert inherited == "9000"


def test_vllm_gets_sigterm_and_its_exit_status_is_the_containers(tmp_path: Path) -> None:
    process = start(tmp_path, WAIT)
    assert process.stdout is not None
    assert process.stdout.readline() == "serving\n"
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert said == "drained\n"
    assert process.returncode == 7


def test_shellcheck_finds_nothing() -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    found = subprocess.run([shellcheck, ENTRYPOINT], capture_output=True, text=True, check=False)
    assert found.stdout == ""
    assert found.returncode == 0
