"""The parsers that the catalogue names, beside those that vLLM 0.33.0 registers."""

from __future__ import annotations

import ast

import pytest

from cdk_vllm import catalog
from tests.engine.ask import FOR_GPUS

REGISTRIES = {
    "tool_call_parser": ("tool_parsers", "_TOOL_PARSERS_TO_REGISTER"),
    "reasoning_parser": ("reasoning", "_REASONING_PARSERS_TO_REGISTER"),
}


@pytest.mark.parametrize("option", REGISTRIES)
def test_the_catalogue_lists_what_vllm_registers(option: str) -> None:
    folder, variable = REGISTRIES[option]
    tree = ast.parse((FOR_GPUS / "vllm" / folder / "__init__.py").read_text("utf-8"))
    (registry,) = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Dict)
        and variable in ast.unparse(node)
    )
    names = {key.value for key in registry.keys if isinstance(key, ast.Constant)}
    assert catalog.parsers()[option] == names
