"""How vLLM's container on ECS is started, and what it may not do."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from cdk_vllm.checks.template import (
    Finding,
    Resource,
    Template,
    as_list,
    dig,
    joined,
    number,
    pairs,
    report,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

FORBIDDEN_FLAGS = (
    "--api-key",
    "--enable-log-outputs",
    "--enable-log-requests",
    "--enable-prompt-embeds",
    "--enable-tokenizer-info-endpoint",
    "--profiler-config",
    "--tool-server",
    "--trust-remote-code",
    "--trust-request-chat-template",
)
FORBIDDEN_VARIABLES = (
    "VLLM_ALLOW_INSECURE_SERIALIZATION",
    "VLLM_DEBUG_LOG_API_SERVER_RESPONSE",
    "VLLM_SERVER_DEV_MODE",
)
SAFE_FORMATS = ("runai_streamer", "safetensors")
RUNTIME_ADAPTERS = "VLLM_ALLOW_RUNTIME_LORA_UPDATING"
PLUGIN = "cdk_vllm_adapters"
ALLOW_LIST = "cdk_vllm_adapters.AllowList"
_STARTS_VLLM = re.compile(r'"(?:\S*/)?vllm"|vllm serve|vllm\.entrypoints')
QUIET_VARIABLES = ("HF_HUB_OFFLINE", "VLLM_NO_USAGE_STATS")


class Container(NamedTuple):
    """One vLLM container of a task definition."""

    task: Resource
    body: dict[str, Any]

    def flag(self, name: str, default: Any = None) -> Any:
        """Return the word after a flag of the command, or `default`."""
        words = self.body.get("Command") or []
        position = words.index(name) + 1 if name in words else len(words)
        return words[position] if position < len(words) else default

    @property
    def environment(self) -> dict[str, Any]:
        """The plain variables."""
        return pairs(self.body.get("Environment"), "Name")


def containers(template: Template) -> Iterator[Container]:
    """Yield the containers that run vLLM: their start or their variables say so."""
    for task in template.of("AWS::ECS::TaskDefinition"):
        for body in task.get("ContainerDefinitions", []):
            started = json.dumps([body.get("EntryPoint"), body.get("Command")])
            variables = pairs(body.get("Environment"), "Name")
            if _STARTS_VLLM.search(started) or any(name.startswith("VLLM_") for name in variables):
                yield Container(task, body)


def everything_beside_servers(template: Template) -> Iterator[Container]:
    """Yield every container of the tasks that run vLLM, the server among them."""
    tasks = {task.logical_id for task, _ in containers(template)}
    for task in template.of("AWS::ECS::TaskDefinition"):
        if task.logical_id in tasks:
            yield from (Container(task, body) for body in task.get("ContainerDefinitions", []))


def starts_without_a_shell(template: Template) -> Iterator[Finding]:
    """A shell as process 1 swallows SIGTERM: every stop kills what runs."""
    for task, body in containers(template):
        if body.get("EntryPoint") != ["vllm", "serve"]:
            yield report(starts_without_a_shell, task, 'EntryPoint is not ["vllm", "serve"]')


def drains_before_it_stops(template: Template) -> Iterator[Finding]:
    """By default vLLM drops running requests at once, and ECS kills what stops too slowly."""
    for container in containers(template):
        drain = number(container.flag("--shutdown-timeout"))
        if drain <= 0:
            yield report(drains_before_it_stops, container.task, "no --shutdown-timeout")
        elif number(container.body.get("StopTimeout")) < drain + 30:
            yield report(drains_before_it_stops, container.task, "StopTimeout is too short")


def reserves_its_gpus(template: Template) -> Iterator[Finding]:
    """A container that reserves no GPU silently gets none; one with too few never starts."""
    for container in containers(template):
        reserved = pairs(container.body.get("ResourceRequirements"), "Type").get("GPU")
        needed = 1.0
        for flag in ("tensor", "pipeline", "data"):
            needed *= number(container.flag(f"--{flag}-parallel-size", 1))
        if number(reserved) != needed:
            message = f"reserves {reserved} GPUs and needs {needed:g}"
            yield report(reserves_its_gpus, container.task, message)


def asks_for_a_key(template: Template) -> Iterator[Finding]:
    """Without VLLM_API_KEY everybody who reaches the port is served; it must come by reference.

    Where the load balancer checks a token before it forwards anything, there is no such key.
    """
    checked = _tokens_are_checked(template)
    for container in containers(template):
        has_key = "VLLM_API_KEY" in pairs(container.body.get("Secrets"), "Name", "ValueFrom")
        if not has_key and not checked:
            yield report(asks_for_a_key, container.task, "VLLM_API_KEY is not among the Secrets")
        if "VLLM_API_KEY" in container.environment:
            yield report(asks_for_a_key, container.task, "VLLM_API_KEY is a plain variable")


def _tokens_are_checked(template: Template) -> bool:
    rules = list(template.of("AWS::ElasticLoadBalancingV2::ListenerRule"))
    kinds = [[action.get("Type") for action in as_list(rule.get("Actions"))] for rule in rules]
    forwarding = [found for found in kinds if "forward" in found]
    return bool(forwarding) and all(
        "jwt-validation" in found and found.index("jwt-validation") < found.index("forward")
        for found in forwarding
    )


def loads_adapters_safely(template: Template) -> Iterator[Finding]:
    """Loading at run time opens routes that take any path; our middleware closes them again."""
    for container in containers(template):
        told = container.environment
        if "VLLM_PLUGINS" not in told:
            yield report(loads_adapters_safely, container.task, "vLLM loads every plugin it finds")
        if RUNTIME_ADAPTERS in told and container.flag("--middleware") != ALLOW_LIST:
            message = f"{RUNTIME_ADAPTERS} without --middleware {ALLOW_LIST}"
            yield report(loads_adapters_safely, container.task, message)


def finds_its_adapters(template: Template) -> Iterator[Finding]:
    """The plugin loads what is registered below one prefix, into a directory of its own."""
    for container in containers(template):
        told = container.environment
        if PLUGIN not in str(told.get("VLLM_PLUGINS")):
            continue
        place = str(told.get("CDK_VLLM_ADAPTERS_DIRECTORY"))
        uri = joined(told.get("CDK_VLLM_ADAPTERS_URI"))
        cache = str(told.get("HOME"))
        wrong = {
            f"{RUNTIME_ADAPTERS} is not True": told.get(RUNTIME_ADAPTERS) != "True",
            "CDK_VLLM_ADAPTERS_URI is no prefix": not re.fullmatch(r"s3://.+/adapters/.+/", uri),
            "CDK_VLLM_ADAPTERS_DIRECTORY is not in the cache": not place.startswith(f"{cache}/"),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(finds_its_adapters, container.task, message)


def opens_nothing_dangerous(template: Template) -> Iterator[Finding]:
    """These options run code from requests or models, open routes, or write prompts to the log."""
    for container in containers(template):
        words = {str(word).split("=")[0] for word in container.body.get("Command") or []}
        for name in (*FORBIDDEN_FLAGS, *FORBIDDEN_VARIABLES):
            if name in words or name in container.environment:
                yield report(opens_nothing_dangerous, container.task, f"{name} is set")
        if container.environment.get("VLLM_LOGGING_LEVEL") == "DEBUG":
            yield report(opens_nothing_dangerous, container.task, "DEBUG logs prompts")


def loads_safe_weights(template: Template) -> Iterator[Finding]:
    """The default load format falls back to pickled weights, which run code when loaded."""
    for container in containers(template):
        if container.flag("--load-format") not in SAFE_FORMATS:
            message = f"--load-format is not {' or '.join(SAFE_FORMATS)}"
            yield report(loads_safe_weights, container.task, message)


def bounds_its_queue(template: Template) -> Iterator[Finding]:
    """A queue without limit makes every request late where a few could be refused."""
    for container in containers(template):
        if number(container.flag("--max-num-queued-reqs")) <= 0:
            yield report(bounds_its_queue, container.task, "no --max-num-queued-reqs")


def calls_nobody(template: Template) -> Iterator[Finding]:
    """A server with its weights in S3 has no reason to call the hub or report its use."""
    for container in containers(template):
        for name in QUIET_VARIABLES:
            if container.environment.get(name) != "1":
                yield report(calls_nobody, container.task, f"{name} is not 1")


def runs_without_privileges(template: Template) -> Iterator[Finding]:
    """Whoever takes over a container should find an ordinary user and nothing to write to.

    What runs beside the server shares its network and its roles, so it is held as tightly.
    """
    for task, body in everything_beside_servers(template):
        wrong = {
            "User is root": str(body.get("User", "root")).split(":")[0] in ("root", "0", ""),
            "the root file system is writable": body.get("ReadonlyRootFilesystem") is not True,
            "Privileged is true": body.get("Privileged") is True,
            "capabilities are kept": dig(body, "LinuxParameters.Capabilities.Drop") != ["ALL"],
            "new privileges are allowed": "no-new-privileges"
            not in str(body.get("DockerSecurityOptions")),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(runs_without_privileges, task, f"{body.get('Name')}: {message}")


def has_room_to_work(template: Template) -> Iterator[Finding]:
    """Docker's 64 MiB of shared memory and its limits on memory locks stop vLLM at start."""
    for container in containers(template):
        task, body = container
        ranks = number(container.flag("--tensor-parallel-size", 1))
        if number(dig(body, "LinuxParameters.SharedMemorySize")) < (1024 if ranks == 1 else 8192):
            yield report(has_room_to_work, task, "SharedMemorySize is too small")
        if dig(body, "LinuxParameters.InitProcessEnabled") is not True:
            yield report(has_room_to_work, task, "no init process reaps the workers")
        missing = {"memlock", "nofile", "stack"} - set(pairs(body.get("Ulimits"), "Name"))
        if missing:
            yield report(has_room_to_work, task, f"no ulimit for {', '.join(sorted(missing))}")


def keeps_one_image(template: Template) -> Iterator[Finding]:
    """A tag can be moved: two replicas of one service would run different code."""
    for task, body in containers(template):
        image = body.get("Image")
        if isinstance(image, str) and "@sha256:" not in image:
            yield report(keeps_one_image, task, f"{image} is not named by digest")
        if body.get("VersionConsistency") == "disabled":
            yield report(keeps_one_image, task, "VersionConsistency is disabled")


RULES = (
    starts_without_a_shell,
    drains_before_it_stops,
    reserves_its_gpus,
    asks_for_a_key,
    loads_adapters_safely,
    finds_its_adapters,
    opens_nothing_dangerous,
    loads_safe_weights,
    bounds_its_queue,
    calls_nobody,
    runs_without_privileges,
    has_room_to_work,
    keeps_one_image,
)
