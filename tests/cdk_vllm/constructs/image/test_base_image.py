from __future__ import annotations

import pytest

from cdk_vllm.constructs.image.base_image import DEFAULT_BASE_IMAGE, check_base_image
from cdk_vllm.errors import InputError

DIGEST = "@sha256:" + "0" * 64


@pytest.mark.parametrize(
    "image",
    [
        DEFAULT_BASE_IMAGE,
        "vllm/vllm-openai:v0.33.0-cu129",
        f"vllm/vllm-openai:v0.33.0{DIGEST}",
        "vllm/vllm-openai:v0.33.1rc1",
        "vllm/vllm-openai:v1.0.0",
        "public.ecr.aws/team/vllm:0.40.2-gpu-py312",
        "localhost:5000/vllm:v0.33.0",
    ],
)
def test_a_recent_release_is_returned_as_it_is(image: str) -> None:
    assert check_base_image(image) == image


@pytest.mark.parametrize("tag", ["v0.32.9", "0.9.2", "v0.32.0-cu129", "v0.33.0rc1"])
def test_an_older_vllm_is_refused_with_the_oldest_allowed(tag: str) -> None:
    with pytest.raises(InputError, match=rf"{tag}.*advisories .*use v0\.33\.0 or newer"):
        check_base_image(f"vllm/vllm-openai:{tag}")


@pytest.mark.parametrize("tag", ["latest", "nightly", "server-cuda-v2", "v0.33"])
def test_a_tag_that_names_no_release_is_refused(tag: str) -> None:
    with pytest.raises(InputError, match=f'"{tag}", which names no vLLM release'):
        check_base_image(f"vllm/vllm-openai:{tag}")


@pytest.mark.parametrize(
    "image", ["vllm/vllm-openai", f"vllm/vllm-openai{DIGEST}", "localhost:5000/vllm"]
)
def test_without_a_tag_the_version_cannot_be_known(image: str) -> None:
    with pytest.raises(InputError, match=r"has no tag.*NAME:vX\.Y\.Z"):
        check_base_image(image)


@pytest.mark.parametrize(
    "image", ["", "VLLM:v0.33.0", "vllm:v0.33.0; rm -rf /", "vllm:v0.33.0@sha256:ab"]
)
def test_what_is_no_reference_is_refused(image: str) -> None:
    with pytest.raises(InputError, match="not an image reference"):
        check_base_image(image)
