"""Which adapters a service has, by the registry in S3, and their folders on the disk."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

from cdk_vllm_store import adapter
from cdk_vllm_store.bucket import Bucket, client, registered_version
from cdk_vllm_store.failure import PrepareError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cdk_vllm_store.bucket import Location

REGISTERED = "registered.json"
# A new adapter answers after this at the latest, and unknown names cost one listing in that time.
NAMES_SECONDS = 10.0
_CONNECTIONS = 32


class RegisteredAdapters:
    """The adapters under `s3://BUCKET/adapters/SERVICE/`.

    All names are listed at once and kept for `NAMES_SECONDS`, so that a name nobody registered is
    refused from memory, and memory holds the names in the bucket and no others. It is safe to use
    from several threads.
    """

    def __init__(
        self,
        place: Location,
        directory: Path,
        max_rank: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Look up under `place`, keep in `directory`, refuse ranks above `max_rank`."""
        self._place = place
        self._directory = directory
        self._max_rank = max_rank
        self._clock = clock
        self._lock = threading.Lock()
        self._bucket: Bucket | None = None
        self._names: frozenset[str] = frozenset()
        self._failure: StoreError | None = None
        self._listed_at = float("-inf")

    def folder_of(self, name: str) -> Path | None:
        """Return an adapter's folder on the disk, fetched if need be; `None` for an unknown name.

        The folder is named by its content and stays when the adapter is deleted in S3: vLLM reads
        it again after it dropped the adapter from memory, and dies where it is gone.

        Raises:
            PrepareError: the adapter cannot be used, and why.
            StoreError: S3 does not answer, or refuses.
        """
        if not adapter.is_name(name) or name not in self._known():
            return None
        place = self._place.below(name)
        text = self._asked().text(place, REGISTERED)
        if text is None:
            return None
        version = registered_version(text, f"{place}{REGISTERED}")
        folder, _ = adapter.bring(self._asked(), place.below(version), name, self._directory)
        _check_config(folder, name, self._max_rank)
        return folder

    def told(self, error: PrepareError) -> str:
        """Return what a client may read of a failure: not where the store is."""
        return str(error).replace(str(self._place), "")

    def _known(self) -> frozenset[str]:
        # Whoever finds the names too old lists them, the others wait for that.
        with self._lock:
            if self._clock() - self._listed_at > NAMES_SECONDS:
                self._list()
            if self._failure is not None:
                raise self._failure
            return self._names

    def _list(self) -> None:
        try:
            self._names, self._failure = self._asked().folders(self._place), None
        except PrepareError as error:
            # Kept as long as names are: a store that does not answer is not asked for each request.
            self._failure = StoreError(str(error))
        self._listed_at = self._clock()

    def _asked(self) -> Bucket:
        if self._bucket is None:
            # A request waits for the answer, so S3 gets less time than at the start of a task.
            self._bucket = Bucket(client(_CONNECTIONS, attempts=3, connect_seconds=2.0))
        return self._bucket


def max_lora_rank(words: Sequence[str]) -> int | None:
    """Return `--max-lora-rank` of a command line, or `None` where it is not given."""
    for number, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in ("--max-lora-rank", "--max_lora_rank"):
            value = value if equals else "".join(words[number + 1 : number + 2])
            return int(value) if value.isdecimal() else None
    return None


def _check_config(folder: Path, name: str, max_rank: int | None) -> None:
    """Refuse what vLLM would refuse with less to go by, or with an error of its own."""
    try:
        config: Any = json.loads((folder / "adapter_config.json").read_bytes())
        # A module may have a rank of its own.
        rank = max(int(r) for r in (config["r"], *(config.get("rank_pattern") or {}).values()))
        kind = config["peft_type"]
    except (AttributeError, KeyError, TypeError, ValueError):
        kind, rank = None, 0
    if kind != "LORA":
        raise PrepareError(
            f"adapter {name} has no adapter_config.json of a LoRA adapter; push another"
        )
    if max_rank is not None and rank > max_rank:
        raise PrepareError(
            f"adapter {name} has rank {rank} and this server was planned for {max_rank}; raise "
            "max_lora_rank in the environment file and plan again"
        )
