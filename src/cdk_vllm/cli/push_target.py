"""Which models a push is about: from words of the command and the environment file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cdk_vllm.errors import InputError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.environment_file import EnvironmentFile, Service

_MODEL = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Target:
    """A model to push: from a hub, or from `directory`; `services` are those that serve it.

    `revision` is a branch, tag or commit for the hub to resolve. What comes from a directory is
    stored under it as it is written.
    """

    model: str
    revision: str
    services: tuple[str, ...] = ()
    directory: Path | None = None


def targets(
    environment: EnvironmentFile, what: str | None, service: str | None, revision: str | None
) -> list[Target]:
    """Return what to push; raises `InputError` for a word that names nothing.

    `what` is a service, a directory (stored as the model of `service`) or a model's name; without
    it all models of the environment file are meant, or those of `service`. Drafts come along.
    """
    if service is not None:
        _check_service(environment, service)
    if what is None or what in environment.services:
        names = [what or service] if what or service else list(environment.services)
        return _of_services(environment, [str(name) for name in names], revision)
    if Path(what).is_dir():
        name = _only_service(environment, service)
        found = environment.services[name]
        return [Target(found.model, revision or found.revision, (name,), Path(what))]
    if _MODEL.fullmatch(what):
        return [_of_model(environment, what, service, revision)]
    known = ", ".join(environment.services)
    raise InputError(
        f'"{what}" is neither a service of {environment.path} ({known}), nor a directory, nor a '
        f"model such as Qwen/Qwen3-8B.{nearest(what, environment.services)}"
    )


def draft_of(service: Service) -> tuple[str, str] | None:
    """Return name and revision of the draft model a service guesses with, if it has one."""
    table = getattr(service, "speculative", None)
    if table is not None:
        model = getattr(table, "model", None)
        return (model, getattr(table, "revision", None) or "main") if model else None
    text = service.engine.get("speculative_config")
    try:
        config = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return None
    model = config.get("model") if isinstance(config, dict) else None
    if not isinstance(model, str) or not _MODEL.fullmatch(model):
        return None
    return model, str(config.get("revision") or "main")


def _of_services(
    environment: EnvironmentFile, names: list[str], revision: str | None
) -> list[Target]:
    """Return each model once, with the services that serve it."""
    served: dict[tuple[str, str], list[str]] = {}
    drafts: dict[tuple[str, str], None] = {}
    for name in names:
        service = environment.services[name]
        served.setdefault((service.model, revision or service.revision), []).append(name)
        draft = draft_of(service)
        if draft:
            drafts[draft] = None
    found = [Target(*key, tuple(services)) for key, services in served.items()]
    return found + [Target(*key) for key in drafts if key not in served]


def _of_model(
    environment: EnvironmentFile, model: str, service: str | None, revision: str | None
) -> Target:
    users = {
        name: found.revision
        for name, found in environment.services.items()
        if found.model == model and service in (None, name)
    }
    if revision is None:
        written = [*dict.fromkeys([*users.values(), *_draft_revisions(environment, model)])]
        if len(written) > 1:
            raise InputError(
                f"{environment.path} has {model} at several revisions; add --revision, one of: "
                f"{', '.join(written)}"
            )
        revision = written[0] if written else "main"
    return Target(model, revision, tuple(users))


def _draft_revisions(environment: EnvironmentFile, model: str) -> Iterator[str]:
    for service in environment.services.values():
        draft = draft_of(service)
        if draft and draft[0] == model:
            yield draft[1]


def _only_service(environment: EnvironmentFile, service: str | None) -> str:
    names = list(environment.services)
    if service is None and len(names) > 1:
        raise InputError(
            f"{environment.path} has several services; add --service, one of: {', '.join(names)}"
        )
    return service or names[0]


def _check_service(environment: EnvironmentFile, service: str) -> None:
    names = list(environment.services)
    if service not in names:
        hint = nearest(service, names)
        raise InputError(
            f'{environment.path} has no service "{service}"; known: {", ".join(names)}.{hint}'
        )
