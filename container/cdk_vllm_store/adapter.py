"""LoRA adapters on the disk: `DIRECTORY/NAME/VERSION/`, read-only, whole or not there."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .download import fetch, sha256
from .failure import PrepareError
from .manifest import PICKLES, Manifest

if TYPE_CHECKING:
    from .bucket import Bucket, Location

NEEDED = ("adapter_config.json", "adapter_model.safetensors")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_VERSION = re.compile(r"[0-9a-f]{12}")


def is_name(name: str) -> bool:
    """Return whether an adapter may have this name: it becomes a folder and a part of a URL."""
    return _NAME.fullmatch(name) is not None and ".." not in name


def version_of(manifest: Manifest) -> str:
    """Return the version that a manifest's files make.

    It is what `cdk-vllm push-adapter` prints: the first 12 digits of the SHA-256 of the names with
    their SHA-256s, sorted, as JSON. A pinned version is thus a pin on the content.
    """
    pairs = sorted((file.name, file.sha256) for file in manifest.files)
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:12]


def bring(bucket: Bucket, place: Location, name: str, directory: Path) -> tuple[Path, int]:
    """Return the folder of the adapter at `place`, and the bytes that came for it.

    A version is the hash of its content, so a folder never changes. One whose files have other
    hashes than the manifest says was damaged, and is brought anew.

    Raises:
        PrepareError: no such adapter, a name or version of another form, a pickle, a wrong hash.
    """
    if not is_name(name):
        raise PrepareError(
            f'"{name}" is not an adapter\'s name; allowed are up to 63 of a-z, 0-9, ".", "_", "-"'
        )
    version = place.last
    if not _VERSION.fullmatch(version):
        raise PrepareError(f"{place} does not end in a version, 12 hexadecimal digits")
    manifest = bucket.manifest(place)
    _check(manifest, place, name, version)
    folder = directory / name / version
    if _holds(folder, manifest):
        return folder, 0
    return folder, _bring(bucket, place, manifest, folder)


def _check(manifest: Manifest, place: Location, name: str, version: str) -> None:
    if (manifest.model, manifest.revision) != (name, version):
        raise PrepareError(
            f"{place} holds {manifest.model} {manifest.revision}, not {name} {version}; "
            "push the adapter again"
        )
    content = version_of(manifest)
    if content != version:
        raise PrepareError(
            f"{place} holds files that make the version {content}, so they were changed after the "
            "push; push the adapter again"
        )
    for file in sorted(manifest.names):
        if file.endswith(PICKLES):
            raise PrepareError(
                f"{place}{file} is a pickle, which can run code and is never loaded; save the "
                "adapter as safetensors and push again"
            )
        if "/" in file:
            raise PrepareError(f"{place}{file} lies in a folder; an adapter has none")
    for file in NEEDED:
        if file not in manifest.names:
            raise PrepareError(f"{place} has no {file}, so it is not a LoRA adapter; push again")


def _holds(folder: Path, manifest: Manifest) -> bool:
    if not folder.is_dir() or {path.name for path in folder.iterdir()} != manifest.names:
        return False
    return all(sha256(folder / file.name) == file.sha256 for file in manifest.files)


def _bring(bucket: Bucket, place: Location, manifest: Manifest, folder: Path) -> int:
    folder.parent.mkdir(parents=True, exist_ok=True)
    incoming = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        received = fetch(bucket, place, manifest, incoming)
        incoming.chmod(0o555)
        _put_in_place(incoming, folder, manifest)
    finally:
        _remove(incoming)
    return received


def _put_in_place(incoming: Path, folder: Path, manifest: Manifest) -> None:
    while True:
        try:
            incoming.rename(folder)
        except OSError:
            # Another process was quicker, or the folder is damaged.
            if _holds(folder, manifest):
                return
            if not folder.is_dir():
                raise
            damaged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
            folder.rename(damaged)
            _remove(damaged)
        else:
            return


def _remove(folder: Path) -> None:
    if folder.is_dir():
        folder.chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)
