"""Where an engine is found, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdk_vllm.errors import InputError, RehearsalError
from cdk_vllm.local.engine import Engine, find_engine


def test_the_checkouts_engine_is_found(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / ".venv-engine").symlink_to(engine.python.parents[1])
    assert find_engine(None, tmp_path).python == tmp_path / ".venv-engine" / "bin" / "python"


def test_a_named_one_is_taken_as_it_is(engine: Engine, tmp_path: Path) -> None:
    found = find_engine(engine.python, tmp_path)
    assert found.python == engine.python, "a resolved link would lose its environment"


@pytest.mark.parametrize("python", [None, Path("bin", "python")])
def test_without_vllm_the_command_to_install_it_is_named(
    python: Path | None, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"make \.venv-engine/installed") as raised:
        find_engine(python and tmp_path / python, tmp_path)
    assert "--engine-python" in str(raised.value)


def test_an_engine_that_cannot_write_models_says_why(engine: Engine, tmp_path: Path) -> None:
    asked = {"directory": str(tmp_path / "model"), "config": {"model_type": "llama"}}
    with pytest.raises(RehearsalError, match="could not be written: ModuleNotFoundError"):
        engine.write_models([asked])
