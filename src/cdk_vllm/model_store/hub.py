"""A model on a Hugging Face hub, at one commit, file by file."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cdk_vllm.errors import CdkVllmError
from cdk_vllm.model_store.hub_disk import check_disk
from cdk_vllm.model_store.hub_errors import explained
from cdk_vllm.model_store.selection import INDEX_NAME, select
from cdk_vllm.model_store.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")

_ATTEMPTS = 5
_LONGEST_WAIT_SECONDS = 300
_PASSING = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class HubFile:
    """A file of a repository: `sha256` of what Git LFS keeps, `blob_id` (Git's) of all else."""

    name: str
    size_bytes: int
    sha256: str | None
    blob_id: str | None


@dataclass(frozen=True)
class HubModel:
    """A repository at a commit; `directory` takes its files, default the hub's own cache.

    The cache is the one that `hf download` fills, and what it holds is not fetched again. With a
    `directory` files are deleted once they are pushed, so that the disk needs to hold few of them.
    """

    model: str
    commit: str
    files: tuple[HubFile, ...]
    directory: Path | None = None

    def source_files(self) -> list[SourceFile]:
        """Return the files that the engine needs; raises `CdkVllmError`."""
        by_name = {file.name: file for file in self.files}
        chosen = select(by_name, lambda: self._read(by_name[INDEX_NAME]), self.model)
        if self.directory is None:
            sizes = {name: by_name[name].size_bytes for name in chosen}
            check_disk(self.model, self.commit, sizes)
        return [self._source_file(by_name[name]) for name in chosen]

    def fetch(self, file: HubFile, on_bytes: Callable[[int], None]) -> Path:
        """Download a file, going on where an earlier attempt was cut off."""
        from huggingface_hub import hf_hub_download  # noqa: PLC0415 - the command starts fast

        fetched = _Fetched(file.size_bytes, on_bytes)
        with explained(self.model, self.commit):
            path = Path(
                hf_hub_download(
                    self.model,
                    file.name,
                    revision=self.commit,
                    local_dir=self.directory,
                    endpoint=_endpoint(),
                    tqdm_class=fetched.bar_class(),
                )
            )
        fetched.complete()
        self._check_blob(file, path)
        return path

    def _source_file(self, file: HubFile) -> SourceFile:
        return SourceFile(
            file.name,
            file.size_bytes,
            partial(self.fetch, file),
            file.sha256,
            release=_delete if self.directory else _leave,
            discard=_delete,
        )

    def _read(self, file: HubFile) -> bytes:
        return self.fetch(file, lambda _: None).read_bytes()

    def _check_blob(self, file: HubFile, path: Path) -> None:
        """Compare Git's own hash of a small file; a large one is hashed when it is pushed."""
        if file.blob_id is None or _git_blob_id(path) == file.blob_id:
            return
        _delete(path)
        raise CdkVllmError(
            f"{file.name} of {self.model} did not arrive as the hub describes it; it was deleted "
            "here: push again"
        )


def resolve(model: str, revision: str, directory: Path | None = None) -> HubModel:
    """Look a model up and turn a branch or tag into its commit; raises `InputError`."""
    import huggingface_hub  # noqa: PLC0415 - the command starts fast

    # Its warnings repeat, in several lines, what becomes one sentence here.
    silence: Any = huggingface_hub.logging.set_verbosity_error
    silence()
    api = huggingface_hub.HfApi(endpoint=_endpoint())
    with explained(model, revision):
        found = _patiently(lambda: api.model_info(model, revision=revision, files_metadata=True))
    files = tuple(_hub_file(sibling) for sibling in found.siblings or [])
    return HubModel(model, str(found.sha), files, directory)


def _endpoint() -> str | None:
    # The library reads it once, when it is imported.
    return os.environ.get("HF_ENDPOINT") or None


def _hub_file(sibling: Any) -> HubFile:
    sha256 = sibling.lfs.sha256 if sibling.lfs else None
    blob_id = None if sha256 else sibling.blob_id
    return HubFile(sibling.rfilename, sibling.size or 0, sha256, blob_id)


def _patiently(call: Callable[[], Answer]) -> Answer:
    """Call again where the hub is busy: the library does so for files, not for look-ups."""
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415 - as above

    for attempt in range(_ATTEMPTS - 1):
        try:
            return call()
        except HfHubHTTPError as error:
            if error.response.status_code not in _PASSING:
                raise
            asked = error.response.headers.get("Retry-After", "")
            seconds = int(asked) if asked.isdigit() else 2**attempt
            if seconds > _LONGEST_WAIT_SECONDS:
                raise
            time.sleep(seconds)
    return call()


def _git_blob_id(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _delete(path: Path) -> None:
    # In the hub's cache a link, and what it points to.
    for each in {path, path.resolve()}:
        each.unlink(missing_ok=True)


def _leave(path: Path) -> None:
    """Leave the hub's cache as it is."""


class _Fetched:
    """Counts a file's bytes once, whichever of the library's ways they come by."""

    def __init__(self, size_bytes: int, on_bytes: Callable[[int], None]) -> None:
        self.left = size_bytes
        self.on_bytes = on_bytes

    def add(self, count: float | None) -> None:
        """Count bytes; a download begun anew, or shown by two bars, never passes the size."""
        counted = min(int(count or 0), self.left)
        if counted > 0:
            self.left -= counted
        self.on_bytes(max(counted, 0))

    def complete(self) -> None:
        """Count what was there before, or came without a bar."""
        self.add(self.left)

    def bar_class(self) -> Any:
        """Return a progress bar that shows nothing, and tells the bytes instead."""
        from huggingface_hub import utils  # noqa: PLC0415 - as above

        bar: Any = utils.tqdm  # type: ignore[attr-defined]
        add = self.add

        class Silent(bar):  # type: ignore[misc]
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **{**kwargs, "disable": True})
                add(kwargs.get("initial"))

            def update(self, n: float | None = 1) -> bool | None:
                add(n)
                return None

            def update_transfer(self, n: float | None) -> None:
                """Leave out the bytes on the network: those on the disk are counted."""

        return Silent
