"""What a GPU instance runs at its first boot, before the ECS agent starts."""

from __future__ import annotations

ON_HOST = "/var/lib/vllm"
"""A private directory on the instance, on its own NVMe disks if it has any."""
CACHE_ON_HOST = f"{ON_HOST}/cache"
MODELS_ON_HOST = f"{ON_HOST}/models"
ADAPTERS_ON_HOST = f"{ON_HOST}/adapters"

_SCRIPT = """#!/bin/bash
set -eu
cat >> /etc/ecs/ecs.config <<'CONFIG'
ECS_CLUSTER={cluster_name}
ECS_AWSVPC_BLOCK_IMDS=true
ECS_ENABLE_SPOT_INSTANCE_DRAINING=true
ECS_IMAGE_PULL_BEHAVIOR=once
ECS_CONTAINER_STOP_TIMEOUT={stop_timeout_seconds}s
CONFIG
mkdir -p {on_host}
{mount}for directory in {directories}; do
  mkdir -p "$directory"
  chown 2000:0 "$directory"
  chmod 0700 "$directory"
done
"""

# All disks as one where the AMI can: a model may be larger than each, and together they are faster.
_MOUNT = """disks=$(lsblk -dno PATH,MODEL | awk '/Instance Storage/ {{print $1}}')
if [ "$(echo "$disks" | wc -w)" -gt 1 ] && command -v mdadm > /dev/null; then
  mdadm --create /dev/md0 --level=0 --force --run --raid-devices="$(echo "$disks" | wc -w)" $disks
  disks=/dev/md0
fi
disk=$(echo "$disks" | head -n 1)
if [ -n "$disk" ]; then mkfs.xfs -f "$disk" && mount "$disk" {on_host}; fi
"""


def instance_user_data(*, cluster_name: str, stop_timeout_seconds: int, has_nvme: bool) -> str:
    """Return the shell script that joins the cluster and makes room for vLLM's compile cache.

    The agent's defaults fall short in four ways: tasks could reach the instance's credentials, a
    Spot notice would not drain, every task start would ask the registry for the image again, and
    containers without a stop time-out of their own would be killed after 30 s. The image is named
    by digest, so `once` (which still lets the agent remove old images) cannot serve a stale one.
    Source: Amazon ECS Developer Guide, "Amazon ECS container agent configuration".

    The cache holds compiled kernels, which are executable: like the directories of weights and
    adapters it belongs to the containers' user (2000:0), and nobody else can open it.
    """
    return _SCRIPT.format(
        cluster_name=cluster_name,
        stop_timeout_seconds=stop_timeout_seconds,
        on_host=ON_HOST,
        directories=" ".join((CACHE_ON_HOST, MODELS_ON_HOST, ADAPTERS_ON_HOST)),
        mount=_MOUNT.format(on_host=ON_HOST) if has_nvme else "",
    )
