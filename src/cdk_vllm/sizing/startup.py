"""A prediction of the time from asking for an instance to the first answer, term by term.

Fitted on published cold starts of an 8B model on g6.2xlarge: 525 s in all, 333 s of them for a
17.7 GB image, and 77 s for 16.4 GB of weights while nothing else uses the network. The rest are
estimates, which is why the sum has a margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cdk_vllm.catalog import Instance

Path = Literal["stream", "disk"]

BOOT_SECONDS = 150  # the instance starts and joins its cluster or endpoint
IMAGE_GB = 13.0  # vllm/vllm-openai, compressed
IMAGE_GB_PER_SECOND = 0.053  # 17.7 GB in 333 s: unpacking, not the network, is the limit
NETWORK_SHARE = 0.35  # 16.4 GB in 77 s is 0.21 GB/s of g6.2xlarge's 0.625
MAX_RANK_GB_PER_SECOND = 1.0  # what one process takes in, or writes with its hash
NVME_GB_PER_SECOND = 1.5  # read back into the GPUs, of one disk; an estimate on the low side
DISK_SHARE = 0.8  # of the instance's disks; the rest is the compile cache and what comes next
ENGINE_SECONDS = 150  # imports, compilation, profiling, CUDA graphs
MARGIN = 1.5


@dataclass(frozen=True, kw_only=True)
class Load:
    """How weights reach the GPUs: straight from S3, or over the instance's disk; seconds for it."""

    path: Path
    seconds: float


def load_of(
    instance: Instance,
    weights_bytes: int,
    *,
    backend: str,
    ranks: int = 1,
    replicas: int = 1,
    wanted: Path | None = None,
) -> Load:
    """Return the faster way for all `replicas` that start on an instance at once, or the wanted.

    Streaming brings the weights once for every replica, each rank its share; over the disk they
    come once for all, and are read from there. SageMaker always copies to the disk first.
    """
    size, network = weights_bytes / 1e9, NETWORK_SHARE * instance.network_mbps / 8000
    stream = Load(path="stream", seconds=replicas * size / min(network, _taken(ranks, replicas)))
    copied = size / min(network, MAX_RANK_GB_PER_SECOND)
    disk = Load(path="disk", seconds=copied + replicas * size / NVME_GB_PER_SECOND)
    if backend == "sagemaker":
        return Load(path="disk", seconds=copied)
    if wanted is not None:
        return disk if wanted == "disk" else stream
    holds = disk_refusal(instance, weights_bytes) is None
    return disk if holds and disk.seconds < stream.seconds else stream


def disk_refusal(instance: Instance, weights_bytes: int) -> str | None:
    """Say why an instance's own disks do not take the weights, or return `None`."""
    size = weights_bytes / 1e9
    if size <= DISK_SHARE * instance.local_nvme_gb:
        return None
    if instance.local_nvme_gb == 0:
        return 'it has no disks of its own, and load is "disk"'
    return (
        f"its disks have {instance.local_nvme_gb} GB, of which a fifth stays free, and the weights "
        f'take {size:.0f} on the way that load = "disk" asks for'
    )


def _taken(ranks: int, replicas: int) -> float:
    return MAX_RANK_GB_PER_SECOND * ranks * replicas


def startup_seconds(load: Load) -> int:
    """Return the predicted cold start with a margin of one half."""
    return int(MARGIN * (BOOT_SECONDS + image_seconds() + load.seconds + ENGINE_SECONDS))


def image_seconds() -> float:
    """Return the time to pull and unpack the image."""
    return IMAGE_GB / IMAGE_GB_PER_SECOND
