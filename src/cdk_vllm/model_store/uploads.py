"""Uploads in parallel parts with checksums, all of which can be cancelled together."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from mypy_boto3_s3 import S3Client

PARTS_AT_ONCE = 16


class Uploads:
    """boto3's transfer manager for one bucket; leaving the `with` block by an error cancels all."""

    def __init__(self, s3: S3Client, bucket: str, part_size_bytes: int) -> None:
        from boto3.s3.transfer import (  # noqa: PLC0415 - the command starts fast
            TransferConfig,
            create_transfer_manager,
        )

        self.bucket = bucket
        config = TransferConfig(
            multipart_threshold=part_size_bytes,
            multipart_chunksize=part_size_bytes,
            max_concurrency=PARTS_AT_ONCE,
            # The other one, where it is installed, keeps checksums of its own choice.
            preferred_transfer_client="classic",
        )
        self._manager: Any = create_transfer_manager(s3, config)
        self._running: set[Any] = set()
        self._is_cancelled = False
        self._lock = threading.Lock()

    def __enter__(self) -> Uploads:
        """Nothing is to be done before the first upload."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the threads; parts of what was cancelled are deleted."""
        self._manager.__exit__(kind, error, trace)

    def cancel(self) -> None:
        """End every upload: a part that is on its way still arrives, no other begins."""
        with self._lock:
            self._is_cancelled = True
            running = list(self._running)
        for future in running:
            future.cancel()

    def send(self, key: str, path: Path, sha256: str, on_bytes: Callable[[int], None]) -> None:
        """Send a file and wait; S3 checks each part's SHA-256, and the file's is noted beside it.

        Raises botocore's errors, and `concurrent.futures.CancelledError`.
        """
        from boto3.s3.transfer import ProgressCallbackInvoker  # noqa: PLC0415 - as above

        with self._lock:
            if self._is_cancelled:
                raise CancelledError
            future = self._manager.upload(
                str(path),
                self.bucket,
                key,
                extra_args={"ChecksumAlgorithm": "SHA256", "Metadata": {"sha256": sha256}},
                subscribers=[ProgressCallbackInvoker(on_bytes)],
            )
            self._running.add(future)
        try:
            future.result()
        finally:
            with self._lock:
                self._running.discard(future)
