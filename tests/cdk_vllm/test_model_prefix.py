"""The prefix names organisation, model and revision, and ends in a slash."""

from __future__ import annotations

from cdk_vllm.model_prefix import model_prefix


def test_the_prefix_names_model_and_revision() -> None:
    assert model_prefix("Qwen/Qwen3-8B", "abc") == "models/Qwen/Qwen3-8B/abc/"
