"""A vLLM plugin: LoRA adapters by name from S3 at the first request, and no way in but that.

`register` is the entry point of `vllm.general_plugins`, `AllowList` the ASGI middleware for
`--middleware cdk_vllm_adapters.AllowList`. Without `CDK_VLLM_ADAPTERS_URI` the plugin does nothing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .allow_list import AllowList

__all__ = ["AllowList", "register"]

URI = "CDK_VLLM_ADAPTERS_URI"
DIRECTORY = "CDK_VLLM_ADAPTERS_DIRECTORY"
DEFAULT_DIRECTORY = "/var/cache/vllm/adapters"


def register() -> None:
    """Give vLLM the resolver; it calls this in each of its processes, also more than once.

    Raises:
        PrepareError: the address in `CDK_VLLM_ADAPTERS_URI` has another form.
    """
    uri = os.environ.get(URI)
    if not uri:
        return
    # vLLM and boto3 are imported here, so that the rest can be read without them.
    from vllm.lora.resolver import LoRAResolverRegistry

    from cdk_vllm_store.bucket import location

    from .registered import RegisteredAdapters, max_lora_rank
    from .resolver import S3Resolver

    directory = Path(os.environ.get(DIRECTORY) or DEFAULT_DIRECTORY)
    adapters = RegisteredAdapters(location(uri), directory, max_lora_rank(sys.argv))
    if "cdk_vllm_adapters" not in LoRAResolverRegistry.get_supported_resolvers():
        LoRAResolverRegistry.register_resolver("cdk_vllm_adapters", S3Resolver(adapters))
