"""A prediction of the time from asking for an instance to the first answer; an estimate.

Fitted on published cold starts of an 8B model on g6.2xlarge: 525 s in all, 333 s of them for a
17.7 GB image, and 77 s for 16.4 GB of weights while nothing else uses the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cdk_vllm.catalog import Instance

BOOT_SECONDS = 150  # the instance starts and joins its cluster or endpoint
IMAGE_GB = 13.0  # vllm/vllm-openai, compressed
IMAGE_GB_PER_SECOND = 0.053  # 17.7 GB in 333 s: unpacking, not the network, is the limit
NETWORK_SHARE = 0.35  # 16.4 GB in 77 s is 0.21 GB/s of g6.2xlarge's 0.625
MAX_WEIGHTS_GB_PER_SECOND = 1.0
ENGINE_SECONDS = 150  # imports, compilation, profiling, CUDA graphs
MARGIN = 1.5


def startup_seconds(instance: Instance, weights_bytes: int) -> int:
    """Return the predicted cold start with a margin of one half."""
    network_gb_per_second = instance.network_mbps / 8000
    rate = min(NETWORK_SHARE * network_gb_per_second, MAX_WEIGHTS_GB_PER_SECOND)
    weights = weights_bytes / 1e9 / rate
    image = IMAGE_GB / IMAGE_GB_PER_SECOND
    return int(MARGIN * (BOOT_SECONDS + image + weights + ENGINE_SECONDS))
