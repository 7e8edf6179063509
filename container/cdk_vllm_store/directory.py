"""A model's files in a directory: compared with their manifest, or brought there."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from .failure import PrepareError
from .manifest import MANIFEST_NAME, PICKLES, Manifest, parse

if TYPE_CHECKING:
    from .bucket import Bucket, Location

COMPLETE = ".complete.json"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_AT_ONCE = 8


def check(directory: Path) -> Manifest:
    """Compare a directory's files with its manifest by name and size; raises `PrepareError`.

    A safetensors file that the manifest lacks is a failure: vLLM could load it.
    """
    try:
        text = (directory / MANIFEST_NAME).read_bytes()
    except FileNotFoundError:
        raise _incomplete(directory) from None
    manifest = parse(text, f"{directory}/")
    for file in manifest.files:
        size = _size(directory / file.name)
        if size is None:
            raise PrepareError(
                f"{directory} lacks {file.name}, which its manifest names; push again"
            )
        if size != file.size_bytes:
            raise PrepareError(
                f"{directory}/{file.name} has {size} bytes and the manifest says {file.size_bytes}"
                "; push again"
            )
    for path in sorted(directory.glob("*.safetensors")):
        if path.name not in manifest.names:
            raise PrepareError(
                f"{path} is not in the manifest, and vLLM could load it; delete it in S3, or push "
                "again"
            )
    return manifest


def bring(bucket: Bucket, place: Location, manifest: Manifest, directory: Path) -> int:
    """Make a directory hold a model, and return the bytes that came; 0 where it was complete.

    The directory is this function's own: files of an earlier revision are deleted, and files of
    which no manifest speaks are refused. Files that an earlier start brought are hashed once after
    each boot, since what was written just before a machine went down may be lost.

    Raises:
        PrepareError: the directory has foreign files, or what `download.fetch` raises.
    """
    from .download import alone, fetch

    with alone(directory):
        if _is_complete(directory, manifest):
            return 0
        (directory / COMPLETE).unlink(missing_ok=True)
        _clear(directory, manifest)
        received = fetch(bucket, place, manifest, directory)
        (directory / MANIFEST_NAME).write_text(_text(manifest), encoding="utf-8")
        (directory / COMPLETE).write_text(_state(directory, manifest), encoding="utf-8")
        return received


def _is_complete(directory: Path, manifest: Manifest) -> bool:
    try:
        return (directory / COMPLETE).read_text(encoding="utf-8") == _state(directory, manifest)
    except FileNotFoundError:
        return False


def _state(directory: Path, manifest: Manifest) -> str:
    """What changes when the machine starts anew, or a file is written again."""
    stats = [(file.name, file.sha256, (directory / file.name).stat()) for file in manifest.files]
    files = [(name, digest, s.st_size, s.st_mtime_ns, s.st_ino) for name, digest, s in stats]
    boot = _BOOT.read_text(encoding="ascii").strip() if _BOOT.exists() else ""
    return json.dumps({"boot": boot, "files": files})


def _clear(directory: Path, manifest: Manifest) -> None:
    """Leave only what belongs to the manifest, with the right hash."""
    from .download import INCOMING, LOCK

    ours = {INCOMING, LOCK, MANIFEST_NAME, "lost+found"}
    found = {
        str(path.relative_to(directory)): path
        for path in directory.rglob("*")
        if path.is_file() and path.relative_to(directory).parts[0] not in ours
    }
    earlier = _earlier(directory)
    for name in sorted(found.keys() - earlier - manifest.names):
        raise PrepareError(
            f"{directory} holds {name}, which belongs to no model; give a directory of its own"
        )
    (directory / MANIFEST_NAME).unlink(missing_ok=True)
    digests = {file.name: file.sha256 for file in manifest.files}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(lambda item: _keep_if(item[1], digests.get(item[0])), found.items()):
            pass


def _keep_if(path: Path, digest: str | None) -> None:
    from .download import sha256

    if digest is None or sha256(path) != digest:
        path.unlink()


def _earlier(directory: Path) -> frozenset[str]:
    try:
        return parse((directory / MANIFEST_NAME).read_bytes(), f"{directory}/").names
    except (FileNotFoundError, PrepareError):
        return frozenset()


def _text(manifest: Manifest) -> str:
    from dataclasses import asdict

    return json.dumps(asdict(manifest), indent=2) + "\n"


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _incomplete(directory: Path) -> PrepareError:
    if not directory.is_dir():
        return PrepareError(f"{directory} does not exist; give the endpoint a ModelDataSource")
    names = sorted(path.name for path in directory.iterdir())
    pickles = [name for name in names if name.endswith(PICKLES)]
    if pickles and not any(name.endswith(".safetensors") for name in names):
        return PrepareError(
            f"{directory} holds pickled weights only ({pickles[0]}), and those are never loaded; "
            "convert them to safetensors and push again"
        )
    return PrepareError(
        f"{directory} has {len(names)} files and no {MANIFEST_NAME}: the push was not finished, or "
        "the S3 address is not that of a model; push again"
    )
