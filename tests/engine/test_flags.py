"""Every flag a plan can hold, put to the parser of the vLLM release that the image has."""

from __future__ import annotations

import json
import tempfile
from typing import Any

import pytest

from cdk_vllm import catalog
from cdk_vllm.sizing import to_flags
from tests.engine.ask import FOR_GPUS, ROOT, run

PLANS = sorted((ROOT / "environments").glob("*.plan.json"))
OPTIONS = list(catalog.engine_options().values())
MANY = {
    "quantization": ["awq", "fp8", "gpt_oss_mxfp4"],
    "kv_cache_dtype": ["auto", "fp8", "bfloat16"],
    "dtype": ["half", "bfloat16"],
}


def lines() -> dict[str, dict[str, Any]]:
    """Return engine arguments by where they are from: committed plans, and a user's options."""
    found: dict[str, dict[str, Any]] = {}
    for path in PLANS:
        for service, plan in json.loads(path.read_text("utf-8"))["services"].items():
            found[f"{path.stem} {service}"] = plan["engine_args"]
    for name, values in MANY.items():
        found |= {f"{name} {value}": {name: value} for value in values}
    return found


LINES = lines()


@pytest.fixture(scope="module")
def parser() -> dict[str, Any]:
    asked = {"package": str(FOR_GPUS), "lines": [to_flags(line) for line in LINES.values()]}
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
        assert said["values"][option] in (str(value), str([value]))


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
