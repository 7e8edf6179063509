"""The init container of an ECS task: checks the model in S3 and fetches what vLLM reads from disk.

    python3 prepare.py --model s3://BUCKET/models/ORG/NAME/REVISION/ [--download-to DIRECTORY]
                       [--adapter NAME=s3://BUCKET/adapters/SERVICE/NAME/VERSION/ ...]
                       [--adapters-to DIRECTORY]

One line a step on standard output. A failure is one sentence on standard error and exit status 1,
so that the task stops before vLLM starts, with its reason in the log.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from cdk_vllm_store import adapter, directory
from cdk_vllm_store.bucket import Bucket, Location, client, location
from cdk_vllm_store.failure import PrepareError


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise PrepareError(f"{message}; see {self.prog} --help")


def main(words: list[str]) -> int:
    """Do what the words ask for; return the exit status."""
    # Process 1 of a container has no default for SIGTERM: it would be ignored.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    try:
        _prepare(_arguments(words))
    except PrepareError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename or 'the disk'}: {error.strerror or error}")
    except Exception as error:  # A traceback explains nothing to who reads the log of a task.
        return _fail(f"{type(error).__name__}: {' '.join(str(error).split())}")
    return 0


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = _Parser("prepare.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", metavar="URI", type=location)
    parser.add_argument("--download-to", metavar="DIRECTORY", type=Path)
    parser.add_argument("--adapter", metavar="NAME=URI", action="append", default=[])
    parser.add_argument("--adapters-to", metavar="DIRECTORY", type=Path)
    asked = parser.parse_args(words)
    if asked.download_to is not None and asked.model is None:
        parser.error("--download-to needs --model")
    if asked.model is None and not asked.adapter:
        parser.error("nothing to do: give --model, or --adapter")
    if asked.adapter and asked.adapters_to is None:
        parser.error("--adapter needs --adapters-to")
    asked.adapter = [_adapter(word) for word in asked.adapter]
    return asked


def _adapter(word: str) -> tuple[str, Location]:
    name, equals, uri = word.partition("=")
    if not equals:
        raise PrepareError(f'--adapter "{word}" is not of the form NAME=s3://BUCKET/PREFIX/')
    return name, location(uri)


def _prepare(asked: argparse.Namespace) -> None:
    bucket = Bucket(client())
    if asked.model is not None:
        _model(bucket, asked.model, asked.download_to)
    for name, place in asked.adapter:
        begun = time.monotonic()
        folder, received = adapter.bring(bucket, place, name, asked.adapters_to)
        _tell(f"{folder}: adapter {name} {_received(received, begun)}")


def _model(bucket: Bucket, place: Location, target: Path | None) -> None:
    begun = time.monotonic()
    manifest = bucket.manifest(place)
    bucket.check(place, manifest)
    size = _gigabytes(manifest.size_bytes)
    seconds = time.monotonic() - begun
    _tell(f"{place}: {len(manifest.files)} files, {size}, as the manifest says ({seconds:.1f} s)")
    if target is not None:
        begun = time.monotonic()
        received = directory.bring(bucket, place, manifest, target)
        _tell(f"{target}: {size} {_received(received, begun)}")


def _received(received: int, begun: float) -> str:
    if received == 0:
        return "was there already"
    seconds = time.monotonic() - begun
    speed = received / 1e6 / max(seconds, 1e-3)
    return f"verified, {_gigabytes(received)} of it fetched in {seconds:.1f} s ({speed:.0f} MB/s)"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _fail(sentence: str) -> int:
    sys.stderr.write(f"cdk-vllm: {sentence}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
