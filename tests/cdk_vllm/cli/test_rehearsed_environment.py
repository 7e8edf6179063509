"""The change that a rehearsal applies: another image, more replicas, another threshold."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cdk_vllm import environment_file, plan_file
from cdk_vllm.cli.rehearsed_environment import RehearsedEnvironment

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["dev", "prod"])
def rehearsed(request: pytest.FixtureRequest, tmp_path: Path) -> RehearsedEnvironment:
    source = shutil.copy(ROOT / "environments" / f"{request.param}.toml", tmp_path)
    return RehearsedEnvironment(environment_file.load(source), tmp_path / "work")


def edited_copy(rehearsed: RehearsedEnvironment) -> environment_file.EnvironmentFile:
    rehearsed.directory.mkdir()
    _, argument = rehearsed.edit(rehearsed.directory)
    return environment_file.load(argument.removeprefix("environments="))


def test_the_copy_has_one_change_of_each_kind_and_the_same_name(
    rehearsed: RehearsedEnvironment,
) -> None:
    before, after = rehearsed.environment, edited_copy(rehearsed)
    assert after.name == before.name
    assert after.region == before.region
    for name, old in before.services.items():
        new = after.services[name]
        assert new.replicas.max == old.replicas.max + 1
        assert new.alarms.error_ratio == 2 * old.alarms.error_ratio
        assert new.image.base_image != old.image.base_image
        assert new.model_dump(exclude={"replicas", "alarms", "image"}) == old.model_dump(
            exclude={"replicas", "alarms", "image"}
        )


def test_the_copy_is_planned_so_that_synth_takes_it(rehearsed: RehearsedEnvironment) -> None:
    after = edited_copy(rehearsed)
    assert plan_file.read(after).keys() == after.services.keys()


def test_every_expected_fact_is_one_that_is_observed(rehearsed: RehearsedEnvironment) -> None:
    facts = {"image": "", "replicas": "", "error alarm": ""}
    services = rehearsed.environment.services
    assert set(rehearsed.changes()) == {f"{name} {fact}" for name in services for fact in facts}


def test_an_image_by_digest_is_changed_to_another_digest(tmp_path: Path) -> None:
    text = (ROOT / "environments" / "dev.toml").read_text(encoding="utf-8")
    uri = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm@sha256:{'a' * 64}"
    image = f'\n[services.chat.image]\nuri = "{uri}"\nvllm_version = "0.33.0"\n'
    path = tmp_path / "dev.toml"
    path.write_text(text + image, encoding="utf-8")
    rehearsed = RehearsedEnvironment(environment_file.load(path), tmp_path / "work")
    after = edited_copy(rehearsed)
    assert after.services["chat"].image.uri == uri.replace("a" * 64, "0" * 64)


def test_the_models_own_config_is_found_from_the_copy(tmp_path: Path) -> None:
    config: dict[str, Any] = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "num_hidden_layers": 2,
        "hidden_size": 256,
        "intermediate_size": 512,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 1000,
        "max_position_embeddings": 32768,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "rms_norm_eps": 1e-5,
        "hidden_act": "silu",
    }
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    text = (ROOT / "environments" / "dev.toml").read_text(encoding="utf-8")
    own = text.replace('"Qwen/Qwen3-8B"', '"us/ours"\nmodel_config = "config.json"')
    path = tmp_path / "dev.toml"
    path.write_text(own, encoding="utf-8")
    after = edited_copy(RehearsedEnvironment(environment_file.load(path), tmp_path / "work"))
    assert after.services["chat"].model_config_file == str(tmp_path / "config.json")
