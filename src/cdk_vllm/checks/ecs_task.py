"""What surrounds vLLM's container on ECS: its task, its volumes, and how traffic reaches it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.ecs_container import Container, containers, everything_beside_servers
from cdk_vllm.checks.template import (
    Finding,
    Template,
    as_list,
    dig,
    number,
    pairs,
    report,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ORDINARY_USER = re.compile(r"[1-9]\d*(:\d+)?")
LEAST_MEMORY_MIB = 2048
LEAST_COMPANION_MIB = 64
FIXED_IMAGE = re.compile(r"@sha256:[0-9a-f]{64}$|:v?\d+\.\d+\.\d+$")
ULIMITS = {"memlock": -1, "nofile": 65536, "stack": 64 * 2**20}
# Of the awslogs driver; without `mode` a full buffer stops the server.
LOG_OPTIONS = ("awslogs-group", "awslogs-region", "awslogs-stream-prefix", "max-buffer-size")


def user_is_an_ordinary_one(template: Template) -> Iterator[Finding]:
    """A name may be anybody's in another image; a number above 0 never is root's."""
    for task, body in everything_beside_servers(template):
        if not ORDINARY_USER.fullmatch(str(body.get("User"))):
            yield report(user_is_an_ordinary_one, task, f"User is {body.get('User')}")


def task_has_roles_and_a_network_of_its_own(template: Template) -> Iterator[Finding]:
    """Otherwise it acts as its instance, and whoever is on the instance reaches its port."""
    for task in template.of("AWS::ECS::TaskDefinition"):
        wrong = {
            "NetworkMode is not awsvpc": task.get("NetworkMode") != "awsvpc",
            "no TaskRoleArn": not task.get("TaskRoleArn"),
            "no ExecutionRoleArn": not task.get("ExecutionRoleArn"),
            "shares the instance's processes": task.get("PidMode") == "host",
            "shares the instance's memory": task.get("IpcMode") == "host",
            "RequiresCompatibilities is not set": not task.get("RequiresCompatibilities"),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(task_has_roles_and_a_network_of_its_own, task, message)


def server_is_essential(template: Template) -> Iterator[Finding]:
    """A task whose server has died is to be replaced, not kept for what runs beside it."""
    for task, body in containers(template):
        if body.get("Essential") is not True:
            yield report(server_is_essential, task, "Essential is not true")


def one_version_runs(template: Template) -> Iterator[Finding]:
    """Replicas started on different days would run what a tag meant on those days."""
    for task, body in everything_beside_servers(template):
        if body.get("VersionConsistency") != "enabled":
            yield report(one_version_runs, task, "VersionConsistency is not enabled")


def memory_is_given(template: Template) -> Iterator[Finding]:
    """Without a limit, one task takes the memory of the others on its instance."""
    for task, body in containers(template):
        if number(body.get("Memory")) < LEAST_MEMORY_MIB:
            yield report(memory_is_given, task, f"Memory is below {LEAST_MEMORY_MIB} MiB")


def limits_are_high_enough(template: Template) -> Iterator[Finding]:
    """Pinned memory, sockets and stacks of a GPU server exceed what Docker allows by itself."""
    for task, body in containers(template):
        for bound in ("SoftLimit", "HardLimit"):
            limits = pairs(body.get("Ulimits"), "Name", bound)
            for name, least in ULIMITS.items():
                value = number(limits.get(name))
                if value != least if least < 0 else value < least:
                    yield report(limits_are_high_enough, task, f"{bound} of {name} is {value:g}")


def server_may_write_where_it_must(template: Template) -> Iterator[Finding]:
    """With a read-only root, a cache or a temporary directory without a volume is a crash."""
    for container in containers(template):
        task, body = container
        volumes = {str(volume.get("Name")) for volume in as_list(task.get("Volumes"))}
        for mount in as_list(body.get("MountPoints")):
            if mount.get("SourceVolume") not in volumes:
                message = f"{mount.get('SourceVolume')} is no volume of the task"
                yield report(server_may_write_where_it_must, task, message)
        for volume in as_list(task.get("Volumes")):
            if "Host" in volume and not str(dig(volume, "Host.SourcePath", "")).startswith("/"):
                yield report(server_may_write_where_it_must, task, "a volume has no path")
        for name in ("HOME", "TMPDIR", "VLLM_CACHE_ROOT"):
            path = str(container.environment.get(name))
            if not any(path == at or path.startswith(f"{at}/") for at in _writable(container)):
                message = f"{name} is {path}, where nothing can be written"
                yield report(server_may_write_where_it_must, task, message)


def _writable(container: Container) -> list[str]:
    body: dict[str, Any] = container.body
    mounts = [
        str(mount.get("ContainerPath"))
        for mount in as_list(body.get("MountPoints"))
        if mount.get("ReadOnly") is False
    ]
    tmpfs = [
        str(entry.get("ContainerPath"))
        for entry in as_list(dig(body, "LinuxParameters.Tmpfs"))
        if number(entry.get("Size")) > 0
    ]
    return mounts + tmpfs


def logs_reach_cloudwatch(template: Template) -> Iterator[Finding]:
    """Lines kept on an instance go with it, and a driver that blocks stops the server."""
    for task, body in everything_beside_servers(template):
        options = dig(body, "LogConfiguration.Options", {})
        wrong = {
            "the log driver is not awslogs": dig(body, "LogConfiguration.LogDriver") != "awslogs",
            "a full buffer blocks": options.get("mode") != "non-blocking",
        } | {f"no {name}": not options.get(name) for name in LOG_OPTIONS}
        size, region = options.get("max-buffer-size"), options.get("awslogs-region")
        wrong["max-buffer-size is no size"] = not re.fullmatch(r"\d+[kmg]", str(size))
        wrong["awslogs-region is no region"] = isinstance(region, str) and "-" not in region
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(logs_reach_cloudwatch, task, message)


def containers_know_their_region(template: Template) -> Iterator[Finding]:
    """On EC2 nothing tells a task its region, and metadata of the instance are out of reach."""
    for container in everything_beside_servers(template):
        region = dig(container.body, "LogConfiguration.Options.awslogs-region")
        if region is not None and container.environment.get("AWS_REGION") != region:
            message = f"{container.body.get('Name')}: AWS_REGION is not {region}"
            yield report(containers_know_their_region, container.task, message)


def traffic_reaches_the_server(template: Template) -> Iterator[Finding]:
    """A service whose names and ports do not meet stays unhealthy until it is rolled back."""
    ports = {
        (str(body.get("Name")), number(mapping.get("ContainerPort")))
        for _, body in containers(template)
        for mapping in as_list(body.get("PortMappings"))
        if mapping.get("Protocol") == "tcp"
    }
    for service in template.of("AWS::ECS::Service"):
        for balancer in as_list(service.get("LoadBalancers")):
            reached = (str(balancer.get("ContainerName")), number(balancer.get("ContainerPort")))
            if reached not in ports:
                message = f"no container {reached[0]} listens on {reached[1]:g}"
                yield report(traffic_reaches_the_server, service, message)
            if not balancer.get("TargetGroupArn"):
                yield report(traffic_reaches_the_server, service, "no target group")


def companions_can_start(template: Template) -> Iterator[Finding]:
    """What runs beside the server is one version, is reaped, and can write where it must."""
    servers = [body for _, body in containers(template)]
    for task, body in everything_beside_servers(template):
        if body in servers:
            continue
        wrong = {
            "has an image that can be moved": not _is_fixed(body.get("Image")),
            "has nobody to reap its processes": dig(body, "LinuxParameters.InitProcessEnabled")
            is not True,
            "has no limit of memory": number(body.get("Memory")) < LEAST_COMPANION_MIB,
        }
        for name, path in pairs(body.get("Environment"), "Name").items():
            places = _writable(Container(task, body))
            wrong[f"cannot write to {name}"] = name in ("HOME", "TMPDIR") and path not in places
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(companions_can_start, task, f"{body.get('Name')} {message}")


def _is_fixed(image: Any) -> bool:
    """A digest, or the tag of a release: ECS turns it into one digest for a whole deployment."""
    return not isinstance(image, str) or bool(FIXED_IMAGE.search(image))


RULES = (
    user_is_an_ordinary_one,
    task_has_roles_and_a_network_of_its_own,
    server_is_essential,
    one_version_runs,
    memory_is_given,
    limits_are_high_enough,
    server_may_write_where_it_must,
    logs_reach_cloudwatch,
    containers_know_their_region,
    traffic_reaches_the_server,
    companions_can_start,
)
