"""What a build is asked for, checked before it costs anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cdk_vllm.errors import InputError, nearest

if TYPE_CHECKING:
    from pathlib import Path

_TARGET = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_STAGE = re.compile(r"^\s*FROM\s.+\sAS\s+(\S+)", re.IGNORECASE | re.MULTILINE)


def check_directory(directory: Path) -> Path:
    """Return `directory` where it is a Docker context, or raise `InputError`."""
    if not (directory / "Dockerfile").is_file():
        raise InputError(
            f'directory "{directory}" has no file "Dockerfile"; give the directory to build from.'
        )
    return directory


def check_target(target: str, directory: Path) -> str:
    """Return `target` where it is a stage of the `Dockerfile`, or raise `InputError`.

    A target is at most 32 lower-case letters, digits, `-` and `_`, because it begins the image's
    tag.
    """
    if _TARGET.fullmatch(target) is None:
        raise InputError(
            f'target "{target}" cannot begin an image tag; allowed: 1 to 32 lower-case letters, '
            'digits, "-" and "_", for example "ecs" or "sagemaker".'
        )
    stages = _STAGE.findall((directory / "Dockerfile").read_text(encoding="utf-8"))
    if target not in stages:
        raise InputError(
            f'target "{target}" is not a stage of {directory / "Dockerfile"}; '
            f"its named stages are: {', '.join(stages) or 'none'}.{nearest(target, stages)}"
        )
    return target
