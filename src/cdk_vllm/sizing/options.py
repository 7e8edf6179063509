"""Check a user's own vLLM options before anything is built with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.errors import InputError, nearest
from cdk_vllm.sizing.dtypes import KV_CACHE_BYTES, WEIGHT_DTYPES
from cdk_vllm.sizing.parallelism import SIZES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.catalog import EngineOption

POSITIVE = frozenset(
    {"max_num_seqs", "max_num_batched_tokens", "max_cudagraph_capture_size", "max_num_queued_reqs"}
)


def validate_engine_options(options: Mapping[str, object]) -> None:
    """Raise `InputError` for the first option that vLLM lacks, that is forbidden, or is mistyped.

    Names are vLLM's, with underscores. The lists are the catalogue's engine_options.toml and
    engine_policy.toml, for vLLM 0.33.0.
    """
    for name, value in options.items():
        _check_name(name)
        _check_value(catalog.engine_options()[name], value)
        _check_range(name, value)
        _check_parser(name, value)


def _check_parser(name: str, value: object) -> None:
    known = catalog.parsers().get(name)
    if known is not None and value not in known:
        hint = nearest(str(value), known)
        raise InputError(
            f'The engine option {name} is "{value}"; vLLM 0.33.0 has no such one.{hint}'
        )


def _check_name(name: str) -> None:
    forbidden = catalog.forbidden_options()
    known = catalog.engine_options()
    if name in forbidden:
        raise InputError(f"The engine option {name} cannot be set: {forbidden[name]}.")
    if name in known:
        return
    for option in known.values():
        if "--" + name.replace("_", "-") == option.negative:
            raise InputError(
                f"The engine option {name} is vLLM's way to switch {option.name} off; "
                f"write {option.name} = false."
            )
    hint = nearest(name.replace("-", "_"), known)
    raise InputError(f'vLLM 0.33.0 has no option "{name}".{hint}')


def _check_value(option: EngineOption, value: object) -> None:
    allowed = {
        "flag": "true or false",
        "int": "a whole number",
        "float": "a number",
        "str": "a string",
        "json": "a string of JSON",
        "choices": "one of " + ", ".join(option.choices),
    }[option.kind]
    if not _is_allowed(option, value):
        hint = nearest(value, option.choices) if isinstance(value, str) else ""
        raise InputError(f"The engine option {option.name} must be {allowed}, not {value!r}.{hint}")


def _is_allowed(option: EngineOption, value: object) -> bool:
    if option.kind == "flag":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if option.kind in ("int", "float"):
        return isinstance(value, int if option.kind == "int" else int | float)
    if option.kind == "choices":
        return str(value) in option.choices
    return isinstance(value, str) and (option.kind != "json" or _is_json(value))


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def _check_range(name: str, value: object) -> None:
    covered: dict[str, tuple[bool, str]] = {
        "gpu_memory_utilization": (_between(value, 0.0, 1.0), "above 0 and below 1"),
        "tensor_parallel_size": (value in SIZES, "1, 2, 4 or 8"),
        "dtype": (value in {"auto", *WEIGHT_DTYPES}, "auto, bfloat16, float16 or half"),
        "kv_cache_dtype": (value in KV_CACHE_BYTES, "one of " + ", ".join(KV_CACHE_BYTES)),
    } | {key: (_between(value, 0, float("inf")), "above 0") for key in POSITIVE}
    fine, allowed = covered.get(name, (True, ""))
    if not fine:
        raise InputError(
            f"The engine option {name} is {value!r}; the sizing rules cover {allowed}."
        )


def _between(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and low < value < high
