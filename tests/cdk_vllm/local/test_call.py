"""The request that is printed is the request that is made."""

from __future__ import annotations

import ast
import json
import shlex
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.errors import RehearsalError
from cdk_vllm.local.call import QUESTION, Call
from cdk_vllm.local.processes import Machine, free_port

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_vllm.local.engine import Engine

CALL = Call("http://127.0.0.1:8000", "/v1/chat/completions", "a/model's", "the key")


def test_curl_makes_the_request() -> None:
    words = shlex.split(CALL.curl().replace("\\\n", " "))
    assert words[:4] == ["curl", "--silent", "--show-error", CALL.url + CALL.path]
    assert json.loads(words[words.index("--data") + 1]) == CALL.body
    assert "Authorization: Bearer the key" in words
    assert "Authorization" not in Call(CALL.url, "/invocations", "a").curl()


def test_the_program_is_python_and_names_model_and_key() -> None:
    program = ast.unparse(ast.parse(CALL.openai()))
    assert "base_url='http://127.0.0.1:8000/v1', api_key='the key'" in program
    assert repr("a/model's") in program
    assert repr(QUESTION) in program


def test_the_request_is_made_with_the_key(engine: Engine, tmp_path: Path) -> None:
    server = Machine(engine, tmp_path, {}).start(["vllm", "serve", "a"], {})
    try:
        server.wait(20)
        said = json.loads(Call(server.url, "/invocations", "a/model", "the key").make())
    finally:
        server.stop(5)
    assert said["path"] == "/invocations"
    assert said["key"] == "Bearer the key"
    assert json.loads(said["asked"])["model"] == "a/model"


def test_no_answer_is_an_error() -> None:
    with pytest.raises(RehearsalError, match="did not answer"):
        Call(f"http://127.0.0.1:{free_port()}", "/", "a").make()
