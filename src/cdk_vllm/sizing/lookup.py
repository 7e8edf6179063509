"""Look a model's shape up by name."""

from __future__ import annotations

from cdk_vllm import catalog
from cdk_vllm.errors import InputError, nearest
from cdk_vllm.sizing.plan import ModelShape


def model_shape(name: str) -> ModelShape:
    """Return the shape of a model under its Hugging Face name; `InputError` if it is not known."""
    known = catalog.models()
    if name not in known:
        raise InputError(
            f'The catalogue does not know the model "{name}"; give its config.json as '
            f"model_config instead.{nearest(name, known)}"
        )
    return ModelShape(**known[name].fields)
