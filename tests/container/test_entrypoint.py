"""SageMaker's entry point, run with a `vllm` that only tells how it was called.

The model is where SageMaker puts it: the script's only path outside its own folder is moved, since
no test may write to /opt/ml.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.container.pushed import model_manifest

CONTAINER = Path(__file__).parents[2] / "container"
ENTRYPOINT = CONTAINER / "entrypoint.sh"
MODEL = "/opt/ml/model"
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


class Image:
    """The image's files in a folder, with the model beside them and a `vllm` on the path."""

    def __init__(self, folder: Path) -> None:
        self.model = folder / "model"
        self.files = folder / "cdk-vllm"
        self.programs = folder / "bin"
        shutil.copytree(CONTAINER, self.files, ignore=shutil.ignore_patterns("__pycache__"))
        script = (self.files / "entrypoint.sh").read_text()
        assert script.count(MODEL) == 1
        (self.files / "entrypoint.sh").write_text(script.replace(MODEL, str(self.model)))
        self.programs.mkdir()
        self.model.mkdir()
        for name, data in model_manifest().items():
            (self.model / name).write_bytes(data)

    def start(self, vllm: str, **environment: str) -> subprocess.Popen[str]:
        """Start the container as SageMaker does."""
        program = self.programs / "vllm"
        program.write_text(vllm)
        program.chmod(0o755)
        path = os.pathsep.join([str(self.programs), str(Path(sys.executable).parent), os.defpath])
        return subprocess.Popen(
            ["/bin/bash", str(self.files / "entrypoint.sh"), "serve"],
            env={"PATH": path, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def arguments(self, **environment: str) -> list[str]:
        """Return the words that vLLM is called with, after `serve MODEL` and before the port."""
        process = self.start(TELL, **environment)
        said, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
        _, argv, _ = json.loads(said)
        assert argv[:2] == ["serve", environment.get("SM_VLLM_MODEL") or str(self.model)]
        assert argv[-2:] == ALWAYS, "vLLM takes the last of two equal options"
        return [str(word) for word in argv[2:-2]]

    def refusal(self, **environment: str) -> str:
        """Return what is said where vLLM is not started."""
        process = self.start(TELL, **environment)
        said, errors = process.communicate(timeout=30)
        assert (process.returncode, said) == (1, "")
        (line,) = errors.splitlines()
        assert line.startswith("cdk-vllm: ")
        return str(line).removeprefix("cdk-vllm: ")


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return Image(tmp_path)


def test_the_argument_serve_is_dropped_and_the_model_is_where_sagemaker_puts_it(
    image: Image,
) -> None:
    assert image.arguments() == []


@pytest.mark.parametrize("model", ["s3://bucket/models/a b/", "/opt/ml/model/sub"])
def test_a_model_of_ones_own_is_the_positional_argument_and_not_checked(
    image: Image, model: str
) -> None:
    shutil.rmtree(image.model)
    assert image.arguments(SM_VLLM_MODEL=model) == []


def test_an_empty_model_is_no_model(image: Image) -> None:
    assert image.arguments(SM_VLLM_MODEL="") == []


def test_half_a_model_is_not_served(image: Image) -> None:
    (image.model / "manifest.json").unlink()
    assert "and no manifest.json: the push was not finished" in image.refusal()


def test_a_missing_shard_is_not_served(image: Image) -> None:
    (image.model / "model-00002-of-00002.safetensors").unlink()
    assert image.refusal() == (
        f"{image.model} lacks model-00002-of-00002.safetensors, which its manifest names; push "
        "again"
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MAX_MODEL_LEN", "4096", ["--max-model-len=4096"]),
        ("ENFORCE_EAGER", "true", ["--enforce-eager"]),
        ("ENFORCE_EAGER", "True", ["--enforce-eager"]),
        ("ENFORCE_EAGER", "", ["--enforce-eager"]),
        ("ENABLE_PREFIX_CACHING", "false", ["--no-enable-prefix-caching"]),
        ("ENABLE_PREFIX_CACHING", "FALSE", ["--no-enable-prefix-caching"]),
        ("SERVED_MODEL_NAME", "a model", ["--served-model-name=a model"]),
        ("SERVED_MODEL_NAME", "org/true", ["--served-model-name=org/true"]),
        ("CHAT_TEMPLATE", "-{{ x }}\n* $HOME", ["--chat-template=-{{ x }}\n* $HOME"]),
        (
            "SPECULATIVE_CONFIG",
            '{"method": "ngram", "num_speculative_tokens": 4}',
            ['--speculative-config={"method": "ngram", "num_speculative_tokens": 4}'],
        ),
        ("OVERRIDE", '{"a": [1, 2]}', ['--override={"a": [1, 2]}']),
        ("SERVED_MODEL_NAME", '["a b", "c"]', ["--served-model-name", "a b", "c"]),
        ("CUDAGRAPH_CAPTURE_SIZES", "[1, 2, 4]", ["--cudagraph-capture-sizes", "1", "2", "4"]),
        ("CUDAGRAPH_CAPTURE_SIZES", "[]", []),
        (
            "LORA_MODULES",
            '[{"name": "a", "path": "/a"}, {"name": "b\\nc", "path": "/b"}]',
            ["--lora-modules", '{"name": "a", "path": "/a"}', '{"name": "b\\nc", "path": "/b"}'],
        ),
        ("MIDDLEWARE", '["a.B", "c.D"]', ["--middleware=a.B", "--middleware=c.D"]),
        ("ALLOWED_ORIGINS", '["https://a.example"]', ['--allowed-origins=["https://a.example"]']),
    ],
)
def test_a_variable_is_an_option(image: Image, name: str, value: str, expected: list[str]) -> None:
    assert image.arguments(**{f"SM_VLLM_{name}": value}) == expected


@pytest.mark.parametrize("value", ["[", "[1,", "[a]"])
def test_what_begins_as_an_array_must_be_one(image: Image, value: str) -> None:
    told = image.refusal(SM_VLLM_LORA_MODULES=value)
    assert told.startswith("SM_VLLM_LORA_MODULES begins as a JSON array and is none (")


def test_several_variables_stay_apart(image: Image) -> None:
    words = image.arguments(SM_VLLM_B="[1, 2]", SM_VLLM_A="x", SM_VLLM_C="", SM_VLLM_D="y z")
    assert words == ["--a=x", "--b", "1", "2", "--c", "--d=y z"]


def test_other_variables_are_no_options(image: Image) -> None:
    assert image.arguments(SM_VLLMISH="1", VLLM_NO_USAGE_STATS="1", SAGEMAKER_X="1") == []


def test_sagemaker_decides_the_port(image: Image) -> None:
    words = image.arguments(SM_VLLM_PORT="9000", SM_VLLM_HOST="127.0.0.1")
    assert words == ["--host=127.0.0.1", "--port=9000"]


def test_vllm_takes_over_the_process_and_its_environment(image: Image) -> None:
    process = image.start(TELL, SM_VLLM_PORT="9000")
    said, _ = process.communicate(timeout=30)
    pid, _, inherited = json.loads(said)
    assert pid == process.pid
    assert inherited == "9000"


def test_vllm_gets_sigterm_and_its_exit_status_is_the_containers(image: Image) -> None:
    process = image.start(WAIT)
    assert process.stdout is not None
    assert process.stdout.readline() == "serving\n"
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert said == "drained\n"
    assert process.returncode == 7


def test_nothing_is_written_beside_the_scripts(image: Image) -> None:
    image.arguments(SM_VLLM_LORA_MODULES='[{"name": "a"}]')
    assert not list(image.files.rglob("__pycache__"))


def test_shellcheck_finds_nothing() -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    found = subprocess.run([shellcheck, ENTRYPOINT], capture_output=True, text=True, check=False)
    assert found.stdout == ""
    assert found.returncode == 0
