"""What a GPU instance runs at its first boot, before the ECS agent starts."""

from __future__ import annotations

CACHE_ON_HOST = "/var/lib/vllm"
"""A private directory on the instance, on its own NVMe disk if it has one."""

_SCRIPT = """#!/bin/bash
set -eu
cat >> /etc/ecs/ecs.config <<'CONFIG'
ECS_CLUSTER={cluster_name}
ECS_AWSVPC_BLOCK_IMDS=true
ECS_ENABLE_SPOT_INSTANCE_DRAINING=true
ECS_IMAGE_PULL_BEHAVIOR=once
ECS_CONTAINER_STOP_TIMEOUT={stop_timeout_seconds}s
CONFIG
mkdir -p {cache}
{mount}chown 2000:0 {cache}
chmod 0700 {cache}
"""

_MOUNT = """disk=$(lsblk -dno PATH,MODEL | awk '/Instance Storage/ {{print $1; exit}}')
if [ -n "$disk" ]; then mkfs.xfs -f "$disk" && mount "$disk" {cache}; fi
"""


def instance_user_data(*, cluster_name: str, stop_timeout_seconds: int, has_nvme: bool) -> str:
    """Return the shell script that joins the cluster and makes room for vLLM's compile cache.

    The agent's defaults fall short in four ways: tasks could reach the instance's credentials, a
    Spot notice would not drain, every task start would ask the registry for the image again, and
    containers without a stop time-out of their own would be killed after 30 s. The image is named
    by digest, so `once` (which still lets the agent remove old images) cannot serve a stale one.
    Source: Amazon ECS Developer Guide, "Amazon ECS container agent configuration".

    The cache holds compiled kernels, which are executable: it belongs to the container's user
    (2000:0) and nobody else can open it.
    """
    return _SCRIPT.format(
        cluster_name=cluster_name,
        stop_timeout_seconds=stop_timeout_seconds,
        cache=CACHE_ON_HOST,
        mount=_MOUNT.format(cache=CACHE_ON_HOST) if has_nvme else "",
    )
