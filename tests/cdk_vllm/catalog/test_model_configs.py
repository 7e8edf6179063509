"""The configs of models that need one."""

from __future__ import annotations

from cdk_vllm import catalog


def test_names_are_hugging_faces() -> None:
    names = catalog.model_configs()
    assert "openai/gpt-oss-20b" in names
    assert all(name.count("/") == 1 for name in names)


def test_no_model_is_known_twice() -> None:
    assert not set(catalog.model_configs()) & set(catalog.models())


def test_each_config_says_where_it_is_from() -> None:
    sources = {"config.json", "reconstructed from published dimensions"}
    for name in catalog.model_configs():
        config = catalog.model_config(name)
        assert config is not None
        assert config["source"] in sources
        assert len(config["architectures"]) == 1


def test_an_unknown_name_has_none() -> None:
    assert catalog.model_config("../models") is None
