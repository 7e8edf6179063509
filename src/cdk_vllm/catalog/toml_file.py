"""Read one of the catalogue's TOML files, once."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def read(name: str) -> dict[str, Any]:
    """Return the parsed file `name`; callers freeze what they hand out.

    The parsers are imported here because most of what uses the package never reads a fact.
    """
    import tomllib  # noqa: PLC0415
    from importlib.resources import files  # noqa: PLC0415

    return tomllib.loads(files("cdk_vllm.catalog").joinpath(name).read_text(encoding="utf-8"))
