"""The engine's answers, asked for once a session."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.ask import ask
from tests.engine.questions import questions


@pytest.fixture(scope="session")
def answers() -> dict[str, dict[str, Any]]:
    return ask(questions())
