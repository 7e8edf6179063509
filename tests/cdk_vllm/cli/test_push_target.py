"""Which models a word of the command means."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cdk_vllm import environment_file
from cdk_vllm.cli.push_target import Target, draft_of, targets
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_vllm.environment_file import EnvironmentFile

DRAFT = json.dumps({"model": "org/draft", "revision": "v1", "num_speculative_tokens": 3})
TEXT = f"""
region = "eu-central-1"
[services.chat]
backend = "sagemaker"
model = "Qwen/Qwen3-8B"
revision = "v2"
max_model_len = 4096
[services.chat.engine]
speculative_config = '{DRAFT}'
[services.talk]
backend = "sagemaker"
model = "Qwen/Qwen3-8B"
revision = "v2"
max_model_len = 4096
[services.code]
backend = "sagemaker"
model = "Qwen/Qwen3-8B"
max_model_len = 4096
"""
BOTH = Target("Qwen/Qwen3-8B", "v2", ("chat", "talk"))
OTHER = Target("Qwen/Qwen3-8B", "main", ("code",))
DRAFTED = Target("org/draft", "v1")


@pytest.fixture
def environment(tmp_path: Path) -> EnvironmentFile:
    path = tmp_path / "dev.toml"
    path.write_text(TEXT, encoding="utf-8")
    return environment_file.load(path)


@pytest.mark.parametrize(
    ("what", "service", "revision", "expected"),
    [
        (None, None, None, [BOTH, OTHER, DRAFTED]),
        (None, "code", None, [OTHER]),
        ("chat", None, None, [Target("Qwen/Qwen3-8B", "v2", ("chat",)), DRAFTED]),
        ("code", None, "v9", [Target("Qwen/Qwen3-8B", "v9", ("code",))]),
        ("org/draft", None, None, [DRAFTED]),
        ("org/new", None, None, [Target("org/new", "main")]),
        ("org/new", None, "v3", [Target("org/new", "v3")]),
        (
            "Qwen/Qwen3-8B",
            None,
            "v2",
            [Target("Qwen/Qwen3-8B", "v2", ("chat", "talk", "code"))],
        ),
        ("Qwen/Qwen3-8B", "code", None, [OTHER]),
    ],
)
def test_a_service_a_model_or_all(
    environment: EnvironmentFile,
    what: str | None,
    service: str | None,
    revision: str | None,
    expected: list[Target],
) -> None:
    assert targets(environment, what, service, revision) == expected


def test_a_directory_is_stored_as_a_services_model(
    environment: EnvironmentFile, tmp_path: Path
) -> None:
    (found,) = targets(environment, str(tmp_path), "code", None)
    assert found == Target("Qwen/Qwen3-8B", "main", ("code",), tmp_path)


@pytest.mark.parametrize(
    ("what", "service", "sentence"),
    [
        (
            "chta",
            None,
            r'"chta" is neither a service .* \(chat, talk, code\).* Did you mean "chat"',
        ),
        ("/nowhere", None, "nor a directory"),
        (None, "chta", r'has no service "chta".*Did you mean "chat"'),
        ("Qwen/Qwen3-8B", None, "at several revisions; add --revision, one of: v2, main"),
        (".", None, "has several services; add --service, one of: chat, talk, code"),
    ],
)
def test_a_word_that_names_nothing_is_told(
    environment: EnvironmentFile, what: str | None, service: str | None, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        targets(environment, what, service, None)


@pytest.mark.parametrize("text", ['{"method": "ngram"}', "{", "[]", '{"model": "/local/path"}'])
def test_what_drafts_without_a_model_has_no_draft(tmp_path: Path, text: str) -> None:
    path = tmp_path / "dev.toml"
    path.write_text(TEXT.replace(DRAFT, text), encoding="utf-8")
    assert draft_of(environment_file.load(path).services["chat"]) is None
