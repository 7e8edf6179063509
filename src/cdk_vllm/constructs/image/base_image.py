"""Which vLLM an image is built from, and whether it is recent enough to be served."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection

DEFAULT_BASE_IMAGE = "vllm/vllm-openai:v0.33.0"

_REFERENCE = re.compile(
    r"(?P<name>[a-z0-9][A-Za-z0-9._:/-]*?)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
    r"(?:@sha256:[0-9a-f]{64})?"
)
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(rc\d+|\.?dev\d+|a\d+|b\d+)?(?:[-+_.].*)?")


def check_base_image(base_image: str, accept_advisories: Collection[str] = ()) -> str:
    """Return `base_image` where its tag names a vLLM release with no open advisory against it.

    `NAME:vX.Y.Z`, also with a suffix (`-cu129`), is allowed; `NAME:vX.Y.Z@sha256:DIGEST` is better,
    since a tag can be moved. The tag stays needed beside a digest: the version is read from it.
    `accept_advisories` are ids of the catalogue's advisories that are accepted.

    Raises:
        InputError: no tag, a tag without a version such as `latest`, or a version with an advisory
            that is not accepted.
    """
    example = f'for example "{DEFAULT_BASE_IMAGE}"'
    match = _REFERENCE.fullmatch(base_image)
    if match is None:
        raise InputError(f'base_image "{base_image}" is not an image reference, {example}.')
    tag = match["tag"]
    if tag is None:
        raise InputError(
            f'base_image "{base_image}" has no tag, so its vLLM version cannot be checked; '
            f"write NAME:vX.Y.Z, with @sha256:DIGEST after it to pin the bytes, {example}."
        )
    version = _VERSION.fullmatch(tag)
    if version is None:
        raise InputError(
            f'base_image "{base_image}" has the tag "{tag}", which names no vLLM release and can '
            f"change under you; write NAME:vX.Y.Z, {example}."
        )
    _check_version(base_image, version[0], frozenset(accept_advisories))
    return base_image


def _check_version(base_image: str, version: str, accepted: frozenset[str]) -> None:
    found = catalog.open_advisories(version, accepted)
    if found:
        ids = ", ".join(advisory.ids[0] for advisory in found)
        raise InputError(
            f'base_image "{base_image}" is vLLM {version}, which has published security '
            f"advisories ({ids}); use v{found[-1].fixed_in} or newer."
        )
