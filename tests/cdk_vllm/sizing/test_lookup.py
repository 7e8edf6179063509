"""A model by name."""

from __future__ import annotations

import pytest

from cdk_vllm import catalog
from cdk_vllm.errors import InputError
from cdk_vllm.sizing import ModelShape, model_shape


@pytest.mark.parametrize("name", sorted(catalog.models()))
def test_every_known_model_has_a_whole_shape(name: str) -> None:
    shape = model_shape(name)
    assert isinstance(shape, ModelShape)
    assert shape.num_attention_heads % shape.num_key_value_heads == 0


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(InputError, match='Did you mean "Qwen/Qwen3-8B"'):
        model_shape("Qwen/Qwen3-8")
