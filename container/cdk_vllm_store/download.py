"""Downloads what a manifest names: in parts at once, resumed, and never half.

A file grows under `.incoming/` and moves to its place when that hash is right.
"""

from __future__ import annotations

import base64
import errno
import fcntl
import hashlib
import io
import os
import shutil
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .failure import PrepareError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .bucket import Bucket, Location
    from .manifest import Manifest, ManifestFile

INCOMING = ".incoming"
LOCK = ".lock"
_AT_ONCE = 32
_ATTEMPTS = 5
_CHUNK_BYTES = 1024 * 1024
_DISK = {errno.EDQUOT, errno.EIO, errno.ENOSPC}
# A file system filled to the last byte is slow, and others may write to it meanwhile.
_SPARE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class _Part:
    file: ManifestFile
    index: int
    first: int
    size: int


class _Incoming:
    """A file that arrives: its parts in place, and a journal of the hashes of those that are whole.

    The journal lets a second start go on where the first one ended. What it names is hashed anew.
    """

    def __init__(self, folder: Path, file: ManifestFile, part_size: int) -> None:
        self.file = file
        # Not its name alone: what an earlier start left of another revision is another file.
        identity = hashlib.sha256(f"{file.sha256} {file.name}".encode()).hexdigest()
        self.path = folder / identity
        self._journal = folder / f"{identity}.parts"
        self._lock = threading.Lock()
        self._digests: dict[int, bytes] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._stream = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        os.ftruncate(self._stream, file.size_bytes)
        starts = range(0, max(1, file.size_bytes), part_size)
        self.parts = [
            _Part(file, index, first, min(part_size, file.size_bytes - first))
            for index, first in enumerate(starts)
        ]

    def journal(self) -> dict[int, str]:
        """Return the hashes that an earlier start noted."""
        with suppress(OSError, ValueError):
            lines = self._journal.read_text(encoding="ascii").splitlines()
            return {int(i): digest for i, digest in (line.split() for line in lines)}
        return {}

    def holds(self, part: _Part, digest: str) -> bool:
        """Return whether the part on the disk has this hash, and count it as whole if so."""
        found = hashlib.sha256()
        for first in range(part.first, part.first + part.size, _CHUNK_BYTES):
            end = min(first + _CHUNK_BYTES, part.first + part.size)
            found.update(os.pread(self._stream, end - first, first))
        if found.hexdigest() != digest:
            return False
        self._digests[part.index] = found.digest()
        return True

    def receive(self, part: _Part, body: Any) -> None:
        """Write a stream to a part's place; raises `OSError` where it ends early."""
        digest, at, end = hashlib.sha256(), part.first, part.first + part.size
        while chunk := body.read(_CHUNK_BYTES):
            digest.update(chunk)
            _write(self._stream, chunk, at)
            at += len(chunk)
        if at != end:
            raise OSError(f"{end - at} bytes are missing")
        with self._lock, self._journal.open("a", encoding="ascii") as journal:
            journal.write(f"{part.index} {digest.hexdigest()}\n")
            self._digests[part.index] = digest.digest()

    def is_right(self) -> bool:
        """Return whether the whole has the hash that the manifest says."""
        digests = [self._digests[part.index] for part in self.parts]
        if self.file.parts is not None:
            joined = hashlib.sha256(b"".join(digests)).digest()
            return f"{_base64(joined)}-{len(digests)}" == self.file.checksum_sha256
        if len(digests) == 1:
            return digests[0].hex() == self.file.sha256
        return sha256(self.path) == self.file.sha256

    def close(self) -> None:
        os.close(self._stream)

    def forget(self) -> None:
        """Delete what arrived."""
        self.path.unlink(missing_ok=True)
        self._journal.unlink(missing_ok=True)

    def deliver(self, path: Path) -> None:
        """Move the file to its place, readable and never written again."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o444)
        self.path.replace(path)
        self._journal.unlink(missing_ok=True)


def fetch(bucket: Bucket, place: Location, manifest: Manifest, directory: Path) -> int:
    """Bring the files of a manifest that `directory` lacks, and return the bytes that came.

    Raises:
        PrepareError: a hash is wrong, a file is missing in S3, the disk is full.
    """
    missing = [file for file in manifest.files if not (directory / file.name).is_file()]
    _check_space(directory, sum(file.size_bytes for file in missing))
    folder = directory / INCOMING
    files = [_Incoming(folder, file, manifest.part_size_bytes) for file in missing]
    try:
        received = _receive(bucket, place, files)
        for file in files:
            if not file.is_right():
                file.forget()
                raise PrepareError(
                    f"{place}{file.file.name} has other content than the manifest says; push again"
                )
            file.deliver(directory / file.file.name)
    finally:
        for file in files:
            file.close()
    shutil.rmtree(folder, ignore_errors=True)
    return received


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Let one process at a time fill a directory; the next finds it full."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _receive(bucket: Bucket, place: Location, files: list[_Incoming]) -> int:
    # The first failure stops the others: on the way to it nothing more is asked of S3.
    failed = threading.Event()

    def get(file: _Incoming, part: _Part, noted: str | None) -> int:
        if failed.is_set() or (noted is not None and file.holds(part, noted)):
            return 0
        _get(bucket, place, file, part)
        return part.size

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        tasks = []
        for file in files:
            noted = file.journal()
            tasks += [pool.submit(get, file, part, noted.get(part.index)) for part in file.parts]
        done, _ = wait(tasks, return_when=FIRST_EXCEPTION)
        if any(task.exception() for task in done):
            failed.set()
            pool.shutdown(cancel_futures=True)
    for task in done:
        if error := task.exception():
            raise error
    return sum(task.result() for task in tasks)


def _get(bucket: Bucket, place: Location, file: _Incoming, part: _Part) -> None:
    if part.size == 0:
        file.receive(part, io.BytesIO())
        return
    for attempt in range(1, _ATTEMPTS + 1):
        body = bucket.body(place, part.file.name, part.first, part.first + part.size - 1)
        try:
            file.receive(part, body)
        except Exception as error:
            _check_disk(error, file.path)
            # boto3 tries a request again, but not a stream that breaks off.
            if attempt == _ATTEMPTS:
                raise StoreError(
                    f"{place}{part.file.name}: the download broke off {_ATTEMPTS} times ({error}); "
                    "try again"
                ) from None
            time.sleep(0.2 * 2**attempt)
        else:
            return
        finally:
            body.close()


def _check_disk(error: Exception, path: Path) -> None:
    if isinstance(error, OSError) and error.errno in _DISK:
        raise PrepareError(
            f"{path.parent} cannot be written ({error.strerror}); give it a larger disk, or "
            "empty it"
        ) from None


def _check_space(directory: Path, wanted: int) -> None:
    arrived = sum(
        path.stat().st_blocks * 512 for path in (directory / INCOMING).rglob("*") if path.is_file()
    )
    free = shutil.disk_usage(directory).free - _SPARE_BYTES
    if wanted > free + arrived:
        raise PrepareError(
            f"{directory} has {free / 1e9:.1f} GB free and {wanted / 1e9:.1f} GB are to come; give "
            "it a larger disk, or empty it"
        )


def _write(stream: int, chunk: bytes, at: int) -> None:
    view = memoryview(chunk)
    while view:
        written = os.pwrite(stream, view, at)
        view, at = view[written:], at + written


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode("ascii")
