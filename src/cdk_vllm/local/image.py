"""What an image would bring: its variables, and its files with the container's paths moved."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Where the Dockerfile puts the files of its context.
FILES = "/opt/cdk-vllm"
PACKAGE = Path(__file__).parents[1]


def container_directory() -> Path:
    """Return the Docker context: in an installed package, else in the checkout."""
    installed = PACKAGE / "_container"
    return installed if installed.is_dir() else PACKAGE.parents[1] / "container"


def variables(dockerfile: str) -> dict[str, str]:
    """Return what a Dockerfile's `ENV` instructions set, in all of its stages.

    Only `ENV NAME=value ...`, continued with a backslash, is understood: our own form.
    """
    joined = re.sub(r"\\\n", " ", dockerfile)
    words = [
        word
        for line in re.findall(r"^ENV (.*)$", joined, flags=re.MULTILINE)
        for word in shlex.split(line)
    ]
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def unpack(into: Path, moved: Callable[[str], str]) -> None:
    """Copy the files of the context into a folder; in scripts, the paths are moved."""
    context = container_directory()
    for path in context.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            target = into / path.relative_to(context)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            if path.suffix == ".sh":
                target.write_text(moved(path.read_text("utf-8")), "utf-8")
