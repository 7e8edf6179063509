"""From the options of `cdk-vllm plan --model` to a request for the rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from cdk_vllm.sizing import ServingRequest
    from cdk_vllm.sizing.profiles import Profile

DEFAULT_MAX_MODEL_LEN = 16384


def request_of(model: str, options: dict[str, Any]) -> ServingRequest:
    """Return the request; raises `InputError` for a value that no instance could make right."""
    from cdk_vllm.catalog import regions  # noqa: PLC0415 - `--help` does not need it
    from cdk_vllm.errors import nearest  # noqa: PLC0415
    from cdk_vllm.sizing import ServingRequest, Workload  # noqa: PLC0415
    from cdk_vllm.sizing.config_file import shape_of  # noqa: PLC0415
    from cdk_vllm.sizing.profiles import profile_named  # noqa: PLC0415

    if options["region"] not in regions():
        hint = nearest(options["region"], regions())
        raise InputError(f'--region is "{options["region"]}", which is not an AWS region.{hint}')
    shape = shape_of(model)
    profile = profile_named(options["profile"]) if options["profile"] else None
    longest = options["max_model_len"] or _default_length(profile, shape.max_position_embeddings)
    prompt, output = _lengths(options, longest)
    peak = options["peak_concurrent_requests"]
    own = dict(engine_option(text) for text in options["engine"])
    return ServingRequest(
        service="model",
        backend=options["backend"],
        region=options["region"],
        model=_name(model),
        revision="main",
        shape=shape,
        workload=Workload(
            max_model_len=longest,
            prompt_tokens=prompt,
            output_tokens=output,
            concurrent_requests=options["concurrent_requests"],
        ),
        max_request_seconds=300 if options["backend"] == "ecs" else 60,
        allow_interrupted_requests=options["spot"],
        instance_type=options["instance_type"],
        engine=dict(profile.engine) | own if profile else own,
        ttft_seconds=options["ttft_seconds"],
        tpot_seconds=options["tpot_seconds"],
        peak_concurrent_requests=peak,
        spot=options["spot"],
    )


def engine_option(text: str) -> tuple[str, str | int | float | bool]:
    """Return the name and value of `NAME=VALUE`, the value as JSON reads it where it does."""
    name, separator, value = text.partition("=")
    if not separator:
        raise InputError(f'--engine is "{text}"; give NAME=VALUE, such as max_num_seqs=64')
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = value
    known = isinstance(parsed, str | int | float | bool)
    return name.replace("-", "_"), parsed if known else value


def _default_length(profile: Profile | None, positions: int) -> int:
    return min(profile.max_model_len if profile else DEFAULT_MAX_MODEL_LEN, positions)


def _lengths(options: dict[str, Any], longest: int) -> tuple[int, int]:
    """Without typical lengths every request is assumed to be the longest one."""
    from cdk_vllm.planning import assumed_output_tokens  # noqa: PLC0415 - as above

    left = longest - (options["prompt_tokens"] or 0)
    output = options["output_tokens"] or max(1, min(assumed_output_tokens(longest), left))
    prompt = options["prompt_tokens"] or max(longest - output, 1)
    if prompt + output > longest:
        raise InputError(
            f"--prompt-tokens plus --output-tokens is {prompt + output}, above --max-model-len "
            f"{longest}; raise --max-model-len"
        )
    return prompt, output


def _name(model: str) -> str:
    """Return the name to serve a model under: that of its folder, where a file was given."""
    path = Path(model)
    if not path.exists():
        return model
    path = path.resolve()
    return path.parent.name if path.name == "config.json" else path.stem
