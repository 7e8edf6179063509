"""Where models and adapters lie in a store: what pushes them and what may read them must agree."""

from __future__ import annotations

MODELS = "models/"
"""All models of a store."""
ADAPTERS = "adapters/"
"""All adapters of a store."""


def model_prefix(model: str, revision: str) -> str:
    """Return the key prefix of a model's revision, with its slash: `models/ORG/NAME/REVISION/`."""
    return f"{MODELS}{model}/{revision}/"


def adapter_prefix(service: str, name: str, version: str) -> str:
    """Return an adapter's key prefix: `adapters/SERVICE/NAME/VERSION/`, with its slash."""
    return f"{ADAPTERS}{service}/{name}/{version}/"
