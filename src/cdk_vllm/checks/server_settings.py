"""Options and variables of vLLM, however they reach it: as flags on ECS, as names on SageMaker.

What ECS writes as `--max-model-len 4096` SageMaker writes as `SM_VLLM_MAX_MODEL_LEN=4096`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from cdk_vllm import catalog
from cdk_vllm.checks.ecs_container import containers
from cdk_vllm.checks.template import Finding, Resource, Template, mentions, number, report

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "SM_VLLM_"
# What a plan decides: left out, vLLM sizes its memory in another way than it was planned.
PLANNED = ("max_model_len", "max_num_batched_tokens", "max_num_seqs", "tensor_parallel_size")
LORA = ("max_loras", "max_lora_rank")
OWN_PLUGINS = {"", "cdk_vllm_adapters"}
QUIET = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "OPT_OUT_TRACKING": "true",
    "STANDARD_AUTO_INSTALL_REQ": "false",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
}
MINIMUM_READY_SECONDS = 600
MOST_ANSWERS_OF_A_REQUEST = 128


class Server(NamedTuple):
    """One vLLM: its options by name (a bare flag is `None`), its variables, words with no place."""

    resource: Resource
    options: dict[str, Any]
    variables: dict[str, Any]
    strays: list[str]


def servers(template: Template) -> Iterator[Server]:
    """Yield every vLLM of a template."""
    for task, body in containers(template):
        variables = {str(e.get("Name")): e.get("Value") for e in body.get("Environment") or []}
        words = [str(word) for word in body.get("Command") or []]
        yield Server(task, *_parsed(words)[:1], variables, _parsed(words)[1])
    for model in template.of("AWS::SageMaker::Model"):
        variables = model.get("PrimaryContainer.Environment", {})
        if mentions(variables, "VLLM_"):
            named = {
                name.removeprefix(PREFIX).lower(): value
                for name, value in variables.items()
                if name.startswith(PREFIX)
            }
            strays = sorted(named.keys() - catalog.engine_options().keys() - {"model"})
            yield Server(model, named, variables, strays)


@cache
def _flags() -> dict[str, catalog.EngineOption]:
    found = {option.flag: option for option in catalog.engine_options().values()}
    return found | {o.negative: o for o in found.values() if o.negative}


def _parsed(words: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Return options and strays of a command, whose first word is the model."""
    flags = _flags()
    options: dict[str, Any] = {}
    strays: list[str] = []
    current = None
    for word in words[1:]:
        if word in flags:
            current = flags[word]
            options[current.name] = None
        elif current is None or word.startswith("--") or current.kind == "flag":
            strays.append(word)
        elif options[current.name] is None or _takes_more(current):
            options[current.name] = word
        else:
            strays.append(word)
    return options, strays


def _takes_more(option: catalog.EngineOption) -> bool:
    """A plan has one name; a second would be a word that lost its flag."""
    return option.many and option.name != "served_model_name"


def options_are_vllms_own(template: Template) -> Iterator[Finding]:
    """An option vLLM does not know ends its start, minutes after the deployment began."""
    known = catalog.engine_options()
    for server in servers(template):
        for word in server.strays:
            yield report(options_are_vllms_own, server.resource, f"vLLM knows no {word}")
        for name, value in server.options.items():
            option = known.get(name)
            if option and option.kind != "flag" and _is_wrong(option, value):
                message = f"{option.flag} does not take {value}"
                yield report(options_are_vllms_own, server.resource, message)


def _is_wrong(option: catalog.EngineOption, value: Any) -> bool:
    if isinstance(value, dict):
        return False
    if option.kind in ("int", "float"):
        return number(value) == float("-inf")
    if option.name.endswith("_config") and option.kind != "choices":
        return not _is_json(value)
    return value is None or (bool(option.choices) and value not in option.choices)


def _is_json(value: Any) -> bool:
    try:
        json.loads(str(value))
    except ValueError:
        # Some of them also take a file.
        return str(value).endswith((".json", ".yaml", ".yml"))
    return True


def plan_is_written_down(template: Template) -> Iterator[Finding]:
    """Left out, vLLM takes lengths and shares of memory that nobody sized the GPU for."""
    for server in servers(template):
        options = server.options
        for name in PLANNED:
            if number(options.get(name)) < 1:
                yield report(plan_is_written_down, server.resource, f"{name} is not set")
        if not 0 < number(options.get("gpu_memory_utilization")) <= 1:
            message = "gpu_memory_utilization is not a share"
            yield report(plan_is_written_down, server.resource, message)
        for name in ("dtype", "served_model_name"):
            if not options.get(name):
                yield report(plan_is_written_down, server.resource, f"{name} is not set")


def adapters_have_room(template: Template) -> Iterator[Finding]:
    """Room for adapters is kept only when vLLM is told how many, and of which rank."""
    for server in servers(template):
        options = server.options
        if not {"enable_lora", *LORA} & options.keys():
            continue
        if not _is_on(server, "enable_lora"):
            yield report(adapters_have_room, server.resource, "enable_lora is off")
        for name in LORA:
            if number(options.get(name)) < 1:
                yield report(adapters_have_room, server.resource, f"{name} is not set")
        kept = options.get("max_cpu_loras", options.get("max_loras"))
        if number(kept) < number(options.get("max_loras")):
            yield report(adapters_have_room, server.resource, "max_cpu_loras is below max_loras")


def server_keeps_to_itself(template: Template) -> Iterator[Finding]:
    """A server with its weights at hand calls no hub, reports to nobody and installs nothing."""
    for server in servers(template):
        for name, value in QUIET.items():
            if server.variables.get(name) != value:
                yield report(server_keeps_to_itself, server.resource, f"{name} is not {value}")


def media_are_fetched_from_nowhere_else(template: Template) -> Iterator[Finding]:
    """An image's URL in a prompt, or where it redirects to, can be one inside the network."""
    for server in servers(template):
        if not str(server.options.get("allowed_media_domains") or "").strip():
            message = "allowed_media_domains is not set, which allows every one"
            yield report(media_are_fetched_from_nowhere_else, server.resource, message)
        if server.variables.get("VLLM_MEDIA_URL_ALLOW_REDIRECTS") != "0":
            message = "VLLM_MEDIA_URL_ALLOW_REDIRECTS is not 0"
            yield report(media_are_fetched_from_nowhere_else, server.resource, message)


def plugins_are_named(template: Template) -> Iterator[Finding]:
    """Left out, vLLM runs every plugin it finds in its image, with all that the server may do."""
    for server in servers(template):
        named = server.variables.get("VLLM_PLUGINS")
        if not isinstance(named, str) or set(named.split(",")) - OWN_PLUGINS:
            message = f"VLLM_PLUGINS is {named}"
            yield report(plugins_are_named, server.resource, message)


def one_request_is_bounded(template: Template) -> Iterator[Finding]:
    """One request may ask for 16384 answers by default, and a queue has no end."""
    for server in servers(template):
        answers = number(server.variables.get("VLLM_MAX_N_SEQUENCES"))
        if not 1 <= answers <= MOST_ANSWERS_OF_A_REQUEST:
            message = f"VLLM_MAX_N_SEQUENCES is not 1 to {MOST_ANSWERS_OF_A_REQUEST}"
            yield report(one_request_is_bounded, server.resource, message)
        if number(server.options.get("max_num_queued_reqs")) <= 0:
            yield report(one_request_is_bounded, server.resource, "no max_num_queued_reqs")


def streams_stay_open(template: Template) -> Iterator[Finding]:
    """A stream that is silent while a long prompt is read is closed by whatever lies between."""
    for server in servers(template):
        if not 1 <= number(server.options.get("sse_keep_alive_interval")) <= 60:
            message = "sse_keep_alive_interval is not 1 to 60"
            yield report(streams_stay_open, server.resource, message)


def connections_stay_open(template: Template) -> Iterator[Finding]:
    """After 5 s vLLM closes an idle connection, which the other end uses once more."""
    for server in servers(template):
        if number(server.variables.get("VLLM_HTTP_TIMEOUT_KEEP_ALIVE")) < 60:
            message = "VLLM_HTTP_TIMEOUT_KEEP_ALIVE is below 60"
            yield report(connections_stay_open, server.resource, message)


def engine_may_take_its_time(template: Template) -> Iterator[Finding]:
    """The server gives up on its own engine after a while; a large model's start takes longer."""
    for server in servers(template):
        if number(server.variables.get("VLLM_ENGINE_READY_TIMEOUT_S")) < MINIMUM_READY_SECONDS:
            message = f"VLLM_ENGINE_READY_TIMEOUT_S is below {MINIMUM_READY_SECONDS}"
            yield report(engine_may_take_its_time, server.resource, message)


def requests_can_be_followed(template: Template) -> Iterator[Finding]:
    """A log full of health checks, or without request ids, cannot be read after an incident."""
    for server in servers(template):
        silenced = str(server.options.get("disable_access_log_for_endpoints"))
        if "/health" not in silenced or "/metrics" not in silenced:
            yield report(requests_can_be_followed, server.resource, "health checks are logged")
        if not _is_on(server, "enable_request_id_headers"):
            yield report(requests_can_be_followed, server.resource, "requests have no id")


def routes_are_not_advertised(template: Template) -> Iterator[Finding]:
    """The generated documentation lists every route, and answers without a key."""
    for server in servers(template):
        if not _is_on(server, "disable_fastapi_docs"):
            yield report(routes_are_not_advertised, server.resource, "/docs is on")


def _is_on(server: Server, name: str) -> bool:
    return name in server.options and server.options[name] in (None, "true", "True")


RULES = (
    options_are_vllms_own,
    plan_is_written_down,
    adapters_have_room,
    server_keeps_to_itself,
    media_are_fetched_from_nowhere_else,
    plugins_are_named,
    one_request_is_bounded,
    streams_stay_open,
    connections_stay_open,
    engine_may_take_its_time,
    requests_can_be_followed,
    routes_are_not_advertised,
)
