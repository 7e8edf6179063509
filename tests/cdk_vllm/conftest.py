"""What the tests of the library share: a hub and an engine's API on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cdk_vllm.chat_api import ChatApi, serving
from tests.cdk_vllm.loopback_hub import Hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a hub that huggingface_hub asks, with a cache and a login of its own, and no token."""
    from huggingface_hub import constants

    with Hub() as served:
        cache = str(tmp_path / "hub-cache")
        for name, value in (
            ("HF_ENDPOINT", served.url),
            ("HF_HOME", str(tmp_path / "hub-home")),
            ("HF_HUB_CACHE", cache),
            ("HF_HUB_DISABLE_XET", "1"),
            ("NO_PROXY", "127.0.0.1"),
        ):
            monkeypatch.setenv(name, value)
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        # The library reads its settings when it is imported.
        monkeypatch.setattr(constants, "HF_HUB_CACHE", cache)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "hub-home" / "token"))
        yield served


@pytest.fixture
def chat_api() -> Iterator[ChatApi]:
    """Serve vLLM's chat API until the test ends."""
    with serving() as api:
        yield api
