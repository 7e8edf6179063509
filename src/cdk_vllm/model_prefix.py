"""Where a model lies in a store: what pushes it and what may read it must agree."""

from __future__ import annotations


def model_prefix(model: str, revision: str) -> str:
    """Return the key prefix of a model's revision, with its slash: `models/ORG/NAME/REVISION/`."""
    return f"models/{model}/{revision}/"
