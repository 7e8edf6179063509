"""`cdk-vllm push-adapter`: checked, stored by content, and pinned or registered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from cdk_vllm import environment_file
from cdk_vllm.cli.push_adapter import command
from cdk_vllm.errors import InputError
from cdk_vllm.model_store import Prefix
from tests.cdk_vllm.model_store.peft_adapter import tensors, write_adapter

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

TEXT = """
region = "eu-central-1"
[services.chat]
backend = "ecs"
model = "Qwen/Qwen3-8B"
max_model_len = 4096
insecure_http = true
"""
DYNAMIC = '[services.chat.lora]\nmode = "dynamic"\nmax_lora_rank = 16\n'
STATIC = '[services.chat.lora]\nmax_lora_rank = 8\n[services.chat.lora.adapters]\nold = "{}"\n'
SAGEMAKER = TEXT.replace('"ecs"', '"sagemaker"').replace("insecure_http = true\n", "")


def environment(directory: Path, text: str = TEXT) -> Path:
    path = directory / "dev.toml"
    path.write_text(text, encoding="utf-8")
    return path


def push(*words: str | Path) -> str:
    given = [str(word) for word in words]
    result = CliRunner().invoke(command, given, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def pinned(printed: str) -> str:
    return printed.splitlines()[-1].partition(" = ")[2].strip('"')


def test_the_version_to_pin_is_printed_with_what_must_be_reserved(
    store: S3Client, tmp_path: Path
) -> None:
    path, adapter = environment(tmp_path), write_adapter(tmp_path / "adapter")
    printed = push(path, "chat", "medical", adapter)
    version = pinned(printed)
    uri = f"s3://models/adapters/chat/medical/{version}/"
    assert printed.splitlines() == [
        f"{uri}: 2 files sent, 0 kept, rank 8, 20 tensors",
        f"Write into {path} (or push again with --write):",
        "[services.chat.lora]",
        "max_lora_rank = 8",
        "[services.chat.lora.adapters]",
        f'medical = "{version}"',
    ]
    manifest = Prefix(store, "models", f"adapters/chat/medical/{version}/").manifest()
    assert manifest is not None
    assert (manifest.model, manifest.revision) == ("medical", version)
    assert [file.name for file in manifest.files] == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    assert "0 files sent, 2 kept" in push(path, "chat", "medical", adapter)


@pytest.mark.parametrize("name", ["medical", "medical.v2"])
def test_on_demand_the_version_is_pinned(store: S3Client, tmp_path: Path, name: str) -> None:
    path, adapter = environment(tmp_path), write_adapter(tmp_path / "adapter")
    assert f"Next: cdk-vllm plan {path} --write" in push(path, "chat", name, adapter, "--write")
    lora = environment_file.load(path).services["chat"].lora
    assert lora is not None
    assert list(lora.adapters) == [name]
    assert lora.max_lora_rank == 8
    assert "Write into" not in push(path, "chat", name, adapter)


def test_a_second_adapter_joins_the_first(store: S3Client, tmp_path: Path) -> None:
    path = environment(tmp_path, TEXT + STATIC.format("0" * 12))
    push(path, "chat", "new", write_adapter(tmp_path / "adapter"), "--write")
    lora = environment_file.load(path).services["chat"].lora
    assert lora is not None
    assert list(lora.adapters) == ["old", "new"]


def test_a_dynamic_service_finds_it_registered_once_and_for_all(
    store: S3Client, tmp_path: Path
) -> None:
    path = environment(tmp_path, TEXT + DYNAMIC)
    adapter = write_adapter(tmp_path / "adapter")
    printed = push(path, "chat", "medical", adapter)
    assert 'chat serves it within a minute as model "medical"' in printed
    place = Prefix(store, "models", "adapters/chat/medical/")
    registered = json.loads(place.text("registered.json") or b"")
    assert f"/{registered['version']}/" in printed
    assert "0 files sent" in push(path, "chat", "medical", adapter)
    other = write_adapter(tmp_path / "other", lora_alpha=32)
    with pytest.raises(InputError, match=r"registered with other content .* such as medical-2"):
        push(path, "chat", "medical", other)
    assert not [name for name in place.sizes() if registered["version"] not in name][1:]
    push(path, "chat", "medical-2", other)


def test_a_rank_above_the_reserved_is_refused_before_anything_is_sent(
    store: S3Client, tmp_path: Path
) -> None:
    path = environment(tmp_path, TEXT + DYNAMIC)
    adapter = write_adapter(tmp_path / "adapter", tensors(32), r=32)
    with pytest.raises(InputError, match="rank 32, above the 16 that are reserved"):
        push(path, "chat", "medical", adapter)
    assert "Contents" not in store.list_objects_v2(Bucket="models")


@pytest.mark.parametrize(
    ("text", "words", "sentence"),
    [
        (TEXT, ("chta", "medical"), 'Did you mean "chat"'),
        (TEXT, ("chat", "Medical"), 'an adapter cannot be called "Medical"'),
        (SAGEMAKER, ("chat", "medical"), "adapters are served by backend ecs only"),
    ],
)
def test_a_wrong_word_is_told(
    tmp_path: Path, text: str, words: tuple[str, str], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        push(environment(tmp_path, text), *words, write_adapter(tmp_path / "adapter"))


def test_another_base_is_noted(store: S3Client, tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "adapter", base_model_name_or_path="Qwen/Qwen3-8B-FP8")
    words = [str(environment(tmp_path)), "chat", "medical", str(adapter)]
    said = CliRunner().invoke(command, words, catch_exceptions=False).stderr
    assert "trained on Qwen/Qwen3-8B-FP8, the service serves Qwen/Qwen3-8B" in said
