"""Which vLLM an image is built from, and whether it is recent enough to be served."""

from __future__ import annotations

import re

from cdk_vllm.errors import InputError

DEFAULT_BASE_IMAGE = "vllm/vllm-openai:v0.33.0"
MINIMUM_VLLM_VERSION = (0, 33, 0)

_REFERENCE = re.compile(
    r"(?P<name>[a-z0-9][A-Za-z0-9._:/-]*?)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
    r"(?:@sha256:[0-9a-f]{64})?"
)
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(rc\d+|\.?dev\d+|a\d+|b\d+)?(?:[-+_.].*)?")


def check_base_image(base_image: str) -> str:
    """Return `base_image` where its tag names a vLLM release that is recent enough.

    `NAME:vX.Y.Z`, also with a suffix (`-cu129`), is allowed; `NAME:vX.Y.Z@sha256:DIGEST` is better,
    since a tag can be moved. The tag stays needed beside a digest: the version is read from it.

    Raises:
        InputError: no tag, a tag without a version such as `latest`, or a version below
            `MINIMUM_VLLM_VERSION`, the oldest without a published advisory against it.
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
    _check_version(base_image, version)
    return base_image


def _check_version(base_image: str, version: re.Match[str]) -> None:
    release = (int(version[1]), int(version[2]), int(version[3]))
    too_old = release < MINIMUM_VLLM_VERSION
    before_release = release == MINIMUM_VLLM_VERSION and version[4] is not None
    if too_old or before_release:
        minimum = ".".join(map(str, MINIMUM_VLLM_VERSION))
        raise InputError(
            f'base_image "{base_image}" is vLLM {version[0]}, and versions before {minimum} have '
            f"published security advisories; use v{minimum} or newer."
        )
