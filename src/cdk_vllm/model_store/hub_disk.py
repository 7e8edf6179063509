"""Whether the hub's cache has room for a model, asked before hours are spent on it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_disk(model: str, commit: str, sizes: Mapping[str, int]) -> None:
    """Raise `InputError` where the files still to come, by their sizes in bytes, find no room."""
    from huggingface_hub import constants, try_to_load_from_cache  # noqa: PLC0415 - starts fast

    cache = Path(constants.HF_HUB_CACHE)
    needed = sum(
        size
        for name, size in sizes.items()
        if not isinstance(try_to_load_from_cache(model, name, revision=commit), str)
    )
    blobs = cache / f"models--{model.replace('/', '--')}" / "blobs"
    needed -= sum(path.stat().st_size for path in blobs.glob("*.incomplete"))
    place = next(path for path in (cache, *cache.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise InputError(
            f"{model} needs {needed / 2**30:.1f} GiB more in {cache}, where {free / 2**30:.1f} GiB "
            "are free; add --remote to push it inside AWS, or set HF_HOME to a larger disk"
        )
