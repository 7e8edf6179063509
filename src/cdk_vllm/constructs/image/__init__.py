"""The container image: built in AWS, already there, or built on this machine.

`BuiltImage`, `ExistingImage` and `LocallyBuiltImage` are siblings with one small interface:
`image_uri`, `grant_pull(grantee)` and `ecs_container_image()`.
"""

from cdk_vllm.constructs.image.base_image import (
    DEFAULT_BASE_IMAGE,
    check_base_image,
)
from cdk_vllm.constructs.image.builder import ImageBuilder
from cdk_vllm.constructs.image.built import BuiltImage
from cdk_vllm.constructs.image.container_directory import CACHE_DIRECTORY, container_directory
from cdk_vllm.constructs.image.existing import ExistingImage, check_image_uri
from cdk_vllm.constructs.image.local import LocallyBuiltImage

Image = BuiltImage | ExistingImage | LocallyBuiltImage

__all__ = [
    "CACHE_DIRECTORY",
    "DEFAULT_BASE_IMAGE",
    "BuiltImage",
    "ExistingImage",
    "Image",
    "ImageBuilder",
    "LocallyBuiltImage",
    "check_base_image",
    "check_image_uri",
    "container_directory",
]
