"""Writes a pushed commit into an environment file, and leaves everything else as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdk_vllm.environment_file import EnvironmentFile


def pin(environment: EnvironmentFile, services: Sequence[str], commit: str) -> list[str]:
    """Set the revision of services to a commit and return those that were changed.

    Comments and order stay. Raises `InputError` where the file cannot be written.
    """
    import tomlkit  # noqa: PLC0415 - the command starts fast

    changed = [name for name in services if environment.services[name].revision != commit]
    if not changed:
        return []
    try:
        document: Any = tomlkit.parse(environment.path.read_text(encoding="utf-8"))
        for name in changed:
            document["services"][name]["revision"] = commit
        environment.path.write_text(tomlkit.dumps(document), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f'{environment.path} cannot be written ({error.strerror}); write revision = "{commit}"'
        ) from None
    return changed
