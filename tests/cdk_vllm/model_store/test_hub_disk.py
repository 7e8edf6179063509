"""Room for a model is what is still to come, less what lies there half fetched."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.errors import InputError
from cdk_vllm.model_store.hub_disk import check_disk
from tests.cdk_vllm.loopback_hub import COMMIT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cdk_vllm.loopback_hub import Hub


@pytest.mark.usefixtures("hub")
def test_what_is_cached_or_half_fetched_needs_no_room(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    sizes = {"a": 8, "b": 8}
    with pytest.raises(InputError, match="or set HF_HOME to a larger disk"):
        check_disk("org/name", COMMIT, sizes)
    cache = tmp_path / "hub-cache" / "models--org--name"
    (cache / "blobs").mkdir(parents=True)
    half = cache / "blobs" / "x.incomplete"
    half.write_bytes(bytes(6))
    check_disk("org/name", COMMIT, sizes)
    half.unlink()
    (cache / "snapshots" / COMMIT).mkdir(parents=True)
    (cache / "snapshots" / COMMIT / "a").write_bytes(bytes(8))
    check_disk("org/name", COMMIT, sizes)
