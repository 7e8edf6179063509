"""Look a model's shape up by name."""

from __future__ import annotations

from functools import cache

from cdk_vllm import catalog
from cdk_vllm.errors import InputError, nearest
from cdk_vllm.sizing.plan import ModelShape
from cdk_vllm.sizing.shape import shape_from_config


@cache
def model_shape(name: str) -> ModelShape:
    """Return the shape of a model under its Hugging Face name; `InputError` if it is not known."""
    known = catalog.models()
    if name in known:
        return ModelShape(**known[name].fields)
    config = catalog.model_config(name)
    if config is not None:
        return shape_from_config(config)
    hint = nearest(name, [*known, *catalog.model_configs()])
    raise InputError(
        f'The catalogue does not know the model "{name}"; give its config.json as '
        f"model_config instead.{hint}"
    )
