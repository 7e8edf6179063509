"""An ECS task definition as podman's words: what the template says, said once more."""

from __future__ import annotations

import json
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Properties = dict[str, Any]
# What has no part in how a container runs on one machine without GPUs.
LEFT_OUT = frozenset(
    {
        "DependsOn",
        "Essential",
        "Image",
        "LogConfiguration",
        "Memory",
        "MemoryReservation",
        "Name",
        "PortMappings",
        "ResourceRequirements",
        "StartTimeout",
        "VersionConsistency",
    }
)
THREADS = 4096
LIMITS = {
    "core": resource.RLIMIT_CORE,
    "memlock": resource.RLIMIT_MEMLOCK,
    "nofile": resource.RLIMIT_NOFILE,
    "nproc": resource.RLIMIT_NPROC,
    "stack": resource.RLIMIT_STACK,
}


def resolve(value: Any, names: Mapping[str, str]) -> Any:
    """Return a template's value with its functions evaluated; `names` says what a `Ref` is.

    What is not named becomes its own logical id, as a physical name would contain it.
    """
    if isinstance(value, list):
        return [resolve(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": name}:
            return names.get(name, name)
        case {"Fn::GetAtt": [name, attribute]}:
            return names.get(name, f"{name}.{attribute}")
        case {"Fn::Join": [between, parts]}:
            return between.join(map(str, resolve(parts, names)))
    return {key: resolve(each, names) for key, each in value.items()}


@dataclass(frozen=True)
class Platform:
    """What ECS adds: where a volume lies, the secrets' values, and variables of its own."""

    volumes: Mapping[str, str]
    secrets: Mapping[str, str]
    variables: Mapping[str, str]


def words_of(container: Properties, platform: Platform) -> list[str]:
    """Return `podman run`'s options for a container definition, without image and command.

    Raises:
        KeyError: the definition has a property that nothing here knows, so it would go untested.
    """
    words = ["--read-only-tmpfs=false", *ulimits(container.get("Ulimits", []))]
    for name, value in container.items():
        if name not in LEFT_OUT and name != "Command":
            words += _WORDS[name](value)
    for point in container.get("MountPoints", []):
        words += _mount(point, platform)
    given = {each["Name"]: platform.secrets[each["Name"]] for each in container.get("Secrets", [])}
    for name, value in {**platform.variables, **given}.items():
        words += ["--env", f"{name}={value}"]
    return words


def _mount(point: Properties, platform: Platform) -> list[str]:
    access = "ro" if point.get("ReadOnly") else "rw"
    place = platform.volumes[point["SourceVolume"]]
    return ["--volume", f"{place}:{point['ContainerPath']}:{access}"]


def _environment(pairs: list[Properties]) -> list[str]:
    return [word for pair in pairs for word in ("--env", f"{pair['Name']}={pair['Value']}")]


def _linux(parameters: Properties) -> list[str]:
    words = []
    for name, value in parameters.items():
        words += _LINUX[name](value)
    return words


def _tmpfs(mounts: list[Properties]) -> list[str]:
    words = []
    for mount in mounts:
        # Docker's own defaults, which podman takes back where there are options.
        options = ["noexec", "nosuid", "nodev", f"size={mount['Size']}m", "mode=1777"]
        options += mount.get("MountOptions", [])
        words += ["--tmpfs", f"{mount['ContainerPath']}:{','.join(options)}"]
    return words


def ulimits(limits: list[Properties]) -> list[str]:
    """Return the words for some limits, and for those that podman would raise of itself."""
    wanted = {"nofile": resource.getrlimit(LIMITS["nofile"]), "nproc": (THREADS, THREADS)}
    wanted |= {each["Name"]: (each["SoftLimit"], each["HardLimit"]) for each in limits}
    words = []
    for name, pair in wanted.items():
        soft, hard = (_allowed(name, value) for value in pair)
        words += ["--ulimit", f"{name}={soft}:{hard}"]
    return words


def _allowed(name: str, wanted: int) -> int:
    """Return the limit, or this process's own where that is lower and may not be raised."""
    _, highest = resource.getrlimit(LIMITS[name])
    if highest == resource.RLIM_INFINITY or _may_raise_limits() or 0 <= wanted <= highest:
        return wanted
    return highest


def _may_raise_limits() -> bool:
    status = Path("/proc/self/status").read_text("utf-8")
    held = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(held.split()[1], 16) >> 24 & 1)  # CAP_SYS_RESOURCE


_LINUX: dict[str, Callable[[Any], list[str]]] = {
    "Capabilities": lambda value: [f"--cap-drop={name}" for name in value["Drop"]],
    "InitProcessEnabled": lambda value: ["--init"] if value else [],
    "SharedMemorySize": lambda value: [f"--shm-size={value}m"],
    "Tmpfs": _tmpfs,
}
_WORDS: dict[str, Callable[[Any], list[str]]] = {
    "DockerSecurityOptions": lambda value: [f"--security-opt={word}" for word in value],
    "EntryPoint": lambda value: [f"--entrypoint={json.dumps(value)}"],
    "Environment": _environment,
    "LinuxParameters": _linux,
    "MountPoints": lambda value: [],
    "Privileged": lambda value: [f"--privileged={str(value).lower()}"],
    "ReadonlyRootFilesystem": lambda value: [f"--read-only={str(value).lower()}"],
    "Secrets": lambda value: [],
    "StopTimeout": lambda value: [f"--stop-timeout={value}"],
    "Ulimits": lambda value: [],
    "User": lambda value: [f"--user={value}"],
    "WorkingDirectory": lambda value: [f"--workdir={value}"],
}
