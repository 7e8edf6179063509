"""Puts a model's files into the store; the manifest goes last, so half a model is no model.

Files go in parallel, each in parallel parts. Every file is hashed before it is sent, so that a push
that was cut off finds what arrived, and afterwards S3's own checksum is compared with that hash.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cdk_vllm.errors import CdkVllmError
from cdk_vllm.model_prefix import model_prefix
from cdk_vllm.model_store.hashing import FileHashes, hash_file, part_size_for
from cdk_vllm.model_store.manifest import MANIFEST_NAME, Manifest, ManifestFile
from cdk_vllm.model_store.prefix import Prefix, StoredObject
from cdk_vllm.model_store.source import SourceFile, directory_files
from cdk_vllm.model_store.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

FILES_AT_ONCE = 4
HEADS_AT_ONCE = 8


class Stopped(Exception):  # noqa: N818 - not an error: another file failed, or the user stopped
    """Raised in the threads that still fetch or hash when a push ends early."""


@dataclass(frozen=True)
class PushResult:
    """What a push did: the manifest, where it lies, and the names sent and kept."""

    uri: str
    manifest: Manifest
    sent: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """Who hears how far a push is: bytes fetched, hashed and in the store, and whole files.

    All are called from several threads. `on_file` gets a name and whether the file was sent.
    """

    on_fetched: Callable[[int], None] = lambda _: None
    on_hashed: Callable[[int], None] = lambda _: None
    on_stored: Callable[[int], None] = lambda _: None
    on_file: Callable[[str, bool], None] = lambda _name, _sent: None


def push(
    s3: S3Client,
    *,
    bucket: str,
    model: str,
    revision: str,
    directory: Path,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> PushResult:
    """Put the files of `directory` under the model's prefix of `bucket`.

    A file that is there with the same hash is kept. `on_bytes` is called with the bytes of every
    part sent or kept. Raises `InputError` for a directory that is not a model.
    """
    place = Prefix(s3, bucket, model_prefix(model, revision))
    files = directory_files(directory)
    return push_files(
        place, files, model=model, revision=revision, progress=Progress(on_stored=on_bytes)
    )


def push_files(
    place: Prefix,
    files: Sequence[SourceFile],
    *,
    model: str,
    revision: str,
    progress: Progress | None = None,
    files_at_once: int = FILES_AT_ONCE,
) -> PushResult:
    """Make a prefix hold exactly these files and their manifest; raises `CdkVllmError`."""
    before = place.manifest()
    part_size_bytes = part_size_for(max(file.size_bytes for file in files))
    with Uploads(place.s3, place.bucket, part_size_bytes) as uploads:
        work = _Work(
            place=place,
            model=model,
            present=place.sizes(),
            part_size_bytes=part_size_bytes,
            uploads=uploads,
            progress=progress or Progress(),
        )
        sent = _push_all(work, files, files_at_once)
    work.delete_strays({file.name for file in files})
    with ThreadPoolExecutor(HEADS_AT_ONCE) as pool:
        entries = tuple(pool.map(work.entry, files))
    manifest = Manifest(model, revision, work.part_size_bytes, entries)
    if before != manifest or work.is_invalidated:
        place.put_manifest(manifest)
    names = [file.name for file in files]
    return PushResult(
        place.uri,
        manifest,
        tuple(name for name in names if name in sent),
        tuple(name for name in names if name not in sent),
    )


def _push_all(work: _Work, files: Sequence[SourceFile], files_at_once: int) -> set[str]:
    """Push every file and return the names of those sent; the first failure stops all others."""
    sent = set()
    # The largest first, so that no thread ends long after the others.
    ordered = sorted(files, key=lambda file: -file.size_bytes)
    with ThreadPoolExecutor(files_at_once) as pool:
        running = {pool.submit(work.push_file, file): file.name for file in ordered}
        try:
            for future in as_completed(running):
                if future.result():
                    sent.add(running[future])
        except BaseException:
            work.stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            work.uploads.cancel()
            raise
    return sent


@dataclass
class _Work:
    """One push: what was there before it, and what its threads share."""

    place: Prefix
    model: str
    present: dict[str, int]
    part_size_bytes: int
    uploads: Uploads
    progress: Progress
    hashes: dict[str, FileHashes] = field(default_factory=dict)
    is_invalidated: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def push_file(self, file: SourceFile) -> bool:
        """Bring one file into the store, and say whether it had to be sent."""
        stored = self._stored(file)
        if stored and _is_promised(stored, file):
            self.progress.on_fetched(file.size_bytes)
            self.progress.on_hashed(file.size_bytes)
            return self._settle(file, _hashes_of(stored), was_sent=False)
        path = file.fetch(self._counted(self.progress.on_fetched))
        counted = self._counted(self.progress.on_hashed)
        hashes = hash_file(path, self.part_size_bytes, counted)
        if file.sha256 not in (None, hashes.sha256):
            file.discard(path)
            raise CdkVllmError(
                f"{file.name} of {self.model} arrived with the SHA-256 {hashes.sha256}, and the "
                f"hub promises {file.sha256}; it was deleted here: push again"
            )
        was_sent = stored is None or stored.checksum_sha256 != hashes.checksum_sha256
        if was_sent:
            self._send(file.name, path, hashes)
        file.release(path)
        return self._settle(file, hashes, was_sent=was_sent)

    def _stored(self, file: SourceFile) -> StoredObject | None:
        if self.present.get(file.name) != file.size_bytes:
            return None
        return self.place.head(file.name)

    def _settle(self, file: SourceFile, hashes: FileHashes, *, was_sent: bool) -> bool:
        with self.lock:
            self.hashes[file.name] = hashes
        if not was_sent:
            self.progress.on_stored(file.size_bytes)
        self.progress.on_file(file.name, was_sent)
        return was_sent

    def _send(self, name: str, path: Path, hashes: FileHashes) -> None:
        self.invalidate()
        key = self.place.prefix + name
        self.uploads.send(key, path, hashes.sha256, self.progress.on_stored)
        self._checked(name, hashes)

    def _checked(self, name: str, hashes: FileHashes) -> StoredObject:
        """Return what S3 keeps; what is not the file that was hashed is deleted and refused."""
        stored = self.place.head(name)
        if stored is None or stored.checksum_sha256 != hashes.checksum_sha256:
            self.place.delete([name])
            raise CdkVllmError(
                f"{name} is not in the store as it was read (SHA-256 {hashes.sha256}): it was "
                "changed while it was pushed; push again"
            )
        return stored

    def invalidate(self) -> None:
        """Take the manifest away: until the new one is there, no mixture may pass for a model."""
        with self.lock:
            if not self.is_invalidated:
                self.place.delete([MANIFEST_NAME])
                self.is_invalidated = True

    def delete_strays(self, names: set[str]) -> None:
        """Delete what is not part of the model; a stray shard would be streamed with the others."""
        strays = self.present.keys() - names - {MANIFEST_NAME}
        if strays:
            self.invalidate()
            self.place.delete(sorted(strays))

    def entry(self, file: SourceFile) -> ManifestFile:
        """Return a file's line of the manifest, with the version that S3 has at the end."""
        hashes = self.hashes[file.name]
        version = self._checked(file.name, hashes).version_id
        return ManifestFile(
            file.name, hashes.size_bytes, hashes.sha256, hashes.checksum_sha256, version
        )

    def _counted(self, tell: Callable[[int], None]) -> Callable[[int], None]:
        """Return a callback that counts, and ends the thread it is called in once all must stop."""

        def on_bytes(count: int) -> None:
            if self.stop.is_set():
                raise Stopped
            tell(count)

        return on_bytes


def _is_promised(stored: StoredObject, file: SourceFile) -> bool:
    """Say whether an object is the file its origin promises, as an earlier push found."""
    known = stored.checksum_sha256 is not None and stored.sha256 is not None
    return known and stored.sha256 == file.sha256


def _hashes_of(stored: StoredObject) -> FileHashes:
    return FileHashes(stored.size_bytes, stored.sha256 or "", stored.checksum_sha256 or "")
