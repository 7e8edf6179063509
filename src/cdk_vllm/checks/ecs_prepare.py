"""What runs before vLLM in a task: it holds weights and adapters against their manifests.

Weights in S3 are code of a kind: whoever can put one file beside them decides what is answered. So
nothing is served that was not checked in the same task, a moment before.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.ecs_container import Container, containers, everything_beside_servers
from cdk_vllm.checks.template import Finding, Resource, Template, as_list, mentions, report

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTRY_POINT = ["python3", "/opt/cdk-vllm/prepare.py"]


def _pairs(template: Template) -> Iterator[tuple[Container, Container]]:
    """Yield each server with the check in its task."""
    for server in containers(template):
        for check in _checks(template, server.task):
            yield server, check


def _checks(template: Template, task: Resource) -> list[Container]:
    """Return the containers of a task that start the program that checks, or look like it."""
    return [
        container
        for container in everything_beside_servers(template)
        if container.task.logical_id == task.logical_id
        and mentions(container.body.get("EntryPoint"), "prepare")
    ]


def model_is_checked_first(template: Template) -> Iterator[Finding]:
    """A server that starts without the check, or after it failed, serves whatever lies there."""
    for server in containers(template):
        checks = [check.body for check in _checks(template, server.task)]
        awaited = {
            str(item.get("ContainerName")): item.get("Condition")
            for item in as_list(server.body.get("DependsOn"))
        }
        wrong = {
            "no container runs prepare.py": not checks,
            "vLLM does not wait until prepare.py succeeded": any(
                awaited.get(str(body.get("Name"))) != "SUCCESS" for body in checks
            ),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(model_is_checked_first, server.task, message)


def check_is_the_image_s_own(template: Template) -> Iterator[Finding]:
    """Another program, or another image's, says nothing; an essential one ends its task."""
    for server, check in _pairs(template):
        wrong = {
            f"the check is not {ENTRY_POINT}": check.body.get("EntryPoint") != ENTRY_POINT,
            "its image is not the server's": check.body.get("Image") != server.body.get("Image"),
            "the task ends with it": check.body.get("Essential") is not False,
            "it has no place for its own files": not {"HOME", "TMPDIR"} <= set(check.environment),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(check_is_the_image_s_own, check.task, message)


def checked_is_what_is_loaded(template: Template) -> Iterator[Finding]:
    """A check of something else says nothing about what is loaded."""
    for server, check in _pairs(template):
        loaded = (as_list(server.body.get("Command")) or [None])[0]
        folder = check.flag("--download-to")
        checked = check.flag("--model") if folder is None else folder
        wrong = {
            "it checks no model": not _is_a_word(check.flag("--model")),
            "vLLM loads another model than it checks": checked != loaded,
            "vLLM loads other adapters than it checks": _brought(check) != _loaded(server),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(checked_is_what_is_loaded, check.task, message)


def _is_a_word(value: Any) -> bool:
    return value is not None and not str(value).startswith("--")


def _loaded(server: Container) -> set[str]:
    """Return the folders of the adapters that vLLM starts with."""
    words = [word for word in as_list(server.body.get("Command")) if isinstance(word, str)]
    named = [json.loads(word) for word in words if word.startswith('{"name"')]
    return {str(module.get("path")) for module in named}


def _brought(check: Container) -> set[str]:
    """Return the folders that adapters are fetched to: `DIRECTORY/NAME/VERSION`."""
    words = as_list(check.body.get("Command"))
    target = check.flag("--adapters-to")
    named = [word for flag, word in pairwise(words) if flag == "--adapter"]
    return {f"{target}/{name}/{version}" for name, version in map(_adapter, named)}


def _adapter(word: Any) -> tuple[str, str]:
    """Return name and version of `NAME=s3://.../VERSION/`, which a template joins from parts."""
    parts = as_list(word["Fn::Join"][1] if isinstance(word, dict) else word)
    name, version = str(parts[0]).partition("=")[0], str(parts[-1]).rstrip("/").rpartition("/")[2]
    return name, version


def checked_files_stay_as_they_were(template: Template) -> Iterator[Finding]:
    """What the check fetched lies in a volume that the server mounts at the same place to read."""
    for server, check in _pairs(template):
        mounts, own = _mounts(server), _mounts(check)
        for flag in ("--download-to", "--adapters-to"):
            folder = check.flag(flag)
            places = [path for path in own if _is_below(folder, path)]
            wrong = {
                f"{flag} is nowhere it may write": folder is not None
                and not any(own[path].get("ReadOnly") is False for path in places),
                f"vLLM does not see what {flag} fetched": any(
                    mounts.get(path, {}).get("SourceVolume") != own[path].get("SourceVolume")
                    for path in places
                ),
                f"vLLM may change what {flag} fetched": any(
                    mounts.get(path, {}).get("ReadOnly") is not True for path in places
                ),
            }
            for message in (text for text, is_wrong in wrong.items() if is_wrong):
                yield report(checked_files_stay_as_they_were, server.task, message)


def _mounts(container: Container) -> dict[str, dict[str, Any]]:
    points = as_list(container.body.get("MountPoints"))
    return {str(point.get("ContainerPath")): point for point in points}


def _is_below(folder: Any, path: str) -> bool:
    return isinstance(folder, str) and (folder == path or folder.startswith(f"{path}/"))


RULES = (
    model_is_checked_first,
    check_is_the_image_s_own,
    checked_is_what_is_loaded,
    checked_files_stay_as_they_were,
)
