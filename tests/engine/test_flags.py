"""Every flag a stack can emit, put to the parser of the vLLM release that the image has."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from cdk_vllm import catalog
from cdk_vllm.constructs.vllm_container import ecs_command, sagemaker_environment
from cdk_vllm.errors import CdkVllmError
from cdk_vllm.sizing import (
    ServingPlan,
    ServingRequest,
    Workload,
    choose,
    from_dict,
    shape_from_config,
    to_flags,
)
from cdk_vllm.sizing.options import validate_engine_options
from cdk_vllm.sizing.plan import Backend
from tests.engine.ask import FOR_GPUS, ROOT, run
from tests.engine.questions import MODELS, config_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.catalog import EngineOption
    from cdk_vllm.sizing import EngineValue

PLANS = sorted((ROOT / "environments").glob("*.plan.json"))
OPTIONS = list(catalog.engine_options().values())
MANY = {
    "quantization": ["awq", "fp8", "gpt_oss_mxfp4"],
    "kv_cache_dtype": ["auto", "fp8", "bfloat16"],
    "dtype": ["half", "bfloat16"],
}
ENTRYPOINT = ROOT / "container" / "entrypoint.sh"
# Stands in for vLLM behind SageMaker's entry point, and prints the words it was called with.
TELL = f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[3:]))\n"
# A text option takes any text for the parser, but where it reads the text itself.
SAMPLES: dict[str, EngineValue] = {
    "attention_backend": "FLASHINFER",
    "device_ids": "0,1",
    "numa_bind_nodes": "0",
}

FROM_DISK = {"runai_streamer": "safetensors"}
# What vLLM's CPU platform, which answers here, cannot be configured with; for models with a latent
# KV cache it changes the batch where the processor has no AMX.
NEEDS_A_GPU = {"quantization_config", "compression_config", "kv_lora_rank"}


def lines() -> dict[str, dict[str, Any]]:
    """Return engine arguments by where they are from: committed plans, and a user's options."""
    found: dict[str, dict[str, Any]] = {}
    for path in PLANS:
        for service, plan in json.loads(path.read_text("utf-8"))["services"].items():
            found[f"{path.stem} {service}"] = plan["engine_args"]
    for name, values in MANY.items():
        found |= {f"{name} {value}": {name: value} for value in values}
    for option in OPTIONS:
        if option.name not in catalog.forbidden_options():
            found |= {f"{option.name} {value}": {option.name: value} for value in settable(option)}
    return found


def settable(option: EngineOption) -> Iterator[EngineValue]:
    """Return values that a service may give an option."""
    values: dict[str, list[EngineValue]] = {
        "flag": [True, False],
        "int": [1, 16],
        "float": [0.5],
        "choices": list(option.choices),
        "json": ["{}"],
        "str": ["x"],
    }
    for value in [SAMPLES[option.name]] if option.name in SAMPLES else values[option.kind]:
        try:
            validate_engine_options({option.name: value})
        except CdkVllmError:
            continue
        yield value


@cache
def services() -> dict[str, ServingPlan]:
    """Return plans of every kind of model on both backends, and the committed ones."""
    found: dict[str, ServingPlan] = {}
    for path in PLANS:
        for service, plan in json.loads(path.read_text("utf-8"))["services"].items():
            found[f"{path.stem} {service}"] = from_dict(ServingPlan, plan)
    for model in MODELS:
        for backend in get_args(Backend):
            try:
                found[f"{model} {backend}"] = choose(request(model, backend))
            except CdkVllmError:
                continue
    return found


def request(model: str, backend: Backend) -> ServingRequest:
    """Return a request for a model of `configs/`."""
    return ServingRequest(
        service="chat",
        backend=backend,
        region="us-east-1",
        model=model.replace("__", "/"),
        revision="main",
        shape=shape_from_config(config_of(model)),
        workload=Workload(
            max_model_len=4096, prompt_tokens=2000, output_tokens=500, concurrent_requests=8
        ),
    )


def words_of(plan: ServingPlan) -> list[str]:
    """Return the words after the model that a stack starts vLLM with, as they reach it."""
    if plan.request.backend == "ecs":
        return ecs_command(plan, "s3://bucket/models/a/")[1:]
    with tempfile.TemporaryDirectory() as folder:
        vllm = Path(folder, "vllm")
        vllm.write_text(TELL, "utf-8")
        vllm.chmod(0o755)
        path = {"PATH": f"{folder}:/usr/bin:/bin", "SM_VLLM_MODEL": "/a/model"}
        environment = sagemaker_environment(plan) | path
        command = ["/bin/bash", str(ENTRYPOINT), "serve"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    words: list[str] = json.loads(done.stdout)
    return words


LINES = lines()
SERVICES = services()
CONFIGURED = {
    name: config
    for name, plan in SERVICES.items()
    if (model := plan.request.model.replace("/", "__")) in MODELS
    and not NEEDS_A_GPU & ((config := config_of(model)) | config.get("text_config", {})).keys()
}


@pytest.fixture(scope="module")
def parser() -> dict[str, Any]:
    started = [words_of(plan) for plan in SERVICES.values()]
    asked = {
        "package": str(FOR_GPUS),
        "lines": [to_flags(line) for line in LINES.values()] + started,
        "services": [
            # To be streamed, the model would have to be in S3 already now.
            {"words": [FROM_DISK.get(word, word) for word in words], "config": config}
            for name, config in CONFIGURED.items()
            for words in [words_of(SERVICES[name])]
        ],
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(asked, file)
        file.flush()
        said: dict[str, Any] = json.loads(run("parser", file.name).splitlines()[-1])
    return said


@pytest.mark.parametrize("name", LINES)
def test_a_plans_flags_set_what_the_plan_says(name: str, parser: dict[str, Any]) -> None:
    said = parser["lines"][list(LINES).index(name)]
    assert "error" not in said, said
    for option, value in LINES[name].items():
        if catalog.engine_options()[option].kind != "json":  # of which vLLM makes an object
            assert said["values"][option] in (str(value), f"[{value}]", f"['{value}']")


@pytest.mark.parametrize("name", SERVICES)
def test_every_word_a_stack_starts_vllm_with_is_understood(
    name: str, parser: dict[str, Any]
) -> None:
    said = parser["lines"][len(LINES) + list(SERVICES).index(name)]
    assert "error" not in said, said
    for option, value in SERVICES[name].engine_args.items():
        assert said["values"][option] in (str(value), str([value]))


@pytest.mark.parametrize("name", CONFIGURED)
def test_vllm_is_configured_as_the_plan_says(name: str, parser: dict[str, Any]) -> None:
    said = parser["services"][list(CONFIGURED).index(name)]
    assert "error" not in said, said
    arguments = SERVICES[name].engine_args
    for option in ("max_model_len", "max_num_seqs", "max_num_batched_tokens"):
        assert said[option] == arguments[option]
    assert said["tensor_parallel_size"] == arguments["tensor_parallel_size"]
    assert arguments["served_model_name"] in (said["served_model_name"], *said["served_model_name"])


def test_many_kinds_of_models_are_asked_about() -> None:
    assert len(LINES) > 250
    assert len(SERVICES) > 40
    assert len({config["architectures"][0] for config in CONFIGURED.values()}) >= 15


def test_the_catalogues_options_are_vllms(parser: dict[str, Any]) -> None:
    known = parser["options"]
    flags = {flag for option in OPTIONS for flag in (option.flag, option.negative, *option.aliases)}
    assert flags - {None} <= set(known)
    # Beside the flag that switches it off, a flag has one more, which nobody needs.
    unknown = {flag for flag in known if flag.startswith("--")} - flags - {"--help"}
    assert {flag for flag in unknown if flag.replace("--no-", "--") not in flags} == set()
    for option in OPTIONS:
        if option.kind == "choices" and known[option.flag]:
            assert set(option.choices) == set(known[option.flag]), option.name
