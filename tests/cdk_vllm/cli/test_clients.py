"""A client is made once, in the region that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.cli.clients import clients

if TYPE_CHECKING:
    import pytest


def test_a_client_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    client = clients("eu-central-1")
    assert client("sns") is client("sns")
    assert client("sns").meta.region_name == "eu-central-1"
