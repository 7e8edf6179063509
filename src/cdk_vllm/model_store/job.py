"""The same push inside AWS: `python -m cdk_vllm.model_store.job`, told what by its environment.

MODEL, REVISION   what to push, a repository's name and a branch, tag or commit
BUCKET            the store
WORK_DIRECTORY    where files lie until they are pushed; a few of the largest must fit
HF_TOKEN          optional; CodeBuild takes it from Secrets Manager

Prints a line for each file. Ends with one line that begins `cdk-vllm:`, on standard error and with
exit status 1 where it failed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

from cdk_vllm.errors import CdkVllmError, InputError
from cdk_vllm.model_prefix import model_prefix
from cdk_vllm.model_store.prefix import Prefix
from cdk_vllm.model_store.push import FILES_AT_ONCE, Progress, PushResult, push_files

# The keys that are written must stay below models/, whoever starts the job with whatever.
_MODEL = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_REVISION = re.compile(r"\w[\w./-]*", re.ASCII)


def main() -> int:
    """Push what the environment names and return the exit status."""
    from boto3.exceptions import Boto3Error  # noqa: PLC0415 - as everywhere in the package
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        result = _push(_given("MODEL", _MODEL), _given("REVISION", _REVISION))
    except CdkVllmError as error:
        return _failed(str(error))
    except (Boto3Error, BotoCoreError, ClientError) as error:
        return _failed(f"AWS refused the push: {error}")
    _say(f"cdk-vllm: {result.uri}: {len(result.sent)} files sent, {len(result.kept)} kept")
    return 0


def _push(model: str, revision: str) -> PushResult:
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    from cdk_vllm.model_store.hub import resolve  # noqa: PLC0415

    s3 = boto3.client("s3", config=Config(max_pool_connections=64))
    with TemporaryDirectory(dir=os.environ.get("WORK_DIRECTORY") or None) as directory:
        found = resolve(model, revision, Path(directory))
        files = found.source_files()
        total = sum(file.size_bytes for file in files)
        _say(f"{model} at {found.commit}: {len(files)} files, {total / 1e9:.2f} GB")
        place = Prefix(s3, os.environ["BUCKET"], model_prefix(model, found.commit))
        sizes = {file.name: file.size_bytes for file in files}
        progress = Progress(on_file=_Lines(sizes))
        return push_files(
            place,
            files,
            model=model,
            revision=found.commit,
            progress=progress,
            files_at_once=files_that_fit(sizes, shutil.disk_usage(directory).free),
        )


def files_that_fit(sizes: dict[str, int], free_bytes: int) -> int:
    """Return how many files may lie on the disk at once; raises `InputError` where not one fits.

    >>> files_that_fit({"a": 50, "b": 30, "c": 1}, 90)
    3
    >>> files_that_fit({"a": 50, "b": 50, "c": 50}, 110)
    2
    """
    largest = sorted(sizes.values(), reverse=True)[:FILES_AT_ONCE]
    if largest[0] > free_bytes:
        raise InputError(
            f"the largest file has {largest[0] / 1e9:.1f} GB, and the disk {free_bytes / 1e9:.1f} "
            "GB free; give PushJob a larger compute_type"
        )
    return max(n for n in range(1, len(largest) + 1) if sum(largest[:n]) <= free_bytes)


class _Lines:
    """Prints one line for each file that is in the store."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self.sizes = sizes
        self.done = 0
        self.lock = threading.Lock()

    def __call__(self, name: str, sent: bool) -> None:
        with self.lock:
            self.done += 1
            what = "sent" if sent else "kept"
            size = self.sizes[name] / 1e9
            _say(f"{self.done}/{len(self.sizes)} {name} ({size:.2f} GB) {what}")


def _given(variable: str, form: re.Pattern[str]) -> str:
    value = os.environ.get(variable, "")
    if not form.fullmatch(value) or ".." in value:
        raise InputError(f'{variable} is "{value}"; give {variable} as the environment file would')
    return value


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the log of a job


def _failed(sentence: str) -> int:
    print(f"cdk-vllm: {sentence}", file=sys.stderr, flush=True)  # noqa: T201 - as above
    return 1


if __name__ == "__main__":
    sys.exit(main())
