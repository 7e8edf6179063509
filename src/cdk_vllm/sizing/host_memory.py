"""The host's own memory: what is left for a container, and what a replica needs.

A replica streams its weights through buffers and keeps its server, engine and worker processes in
memory (1.7 GB measured for one rank without a GPU), its tokenizer and its shared memory. An
instance keeps some for the kernel, the ECS agent and the collector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cdk_vllm.catalog import Instance

RESERVED_GIB = 1.0
RESERVED_SHARE = 0.05  # the kernel and its tables; EC2's figure includes what firmware takes
FIRST_RANK_GIB = 8
FURTHER_RANK_GIB = 3
SHARED_MEMORY_GIB = 8  # /dev/shm of a replica with several ranks


def container_memory_gib(memory_gib: float, replicas: int) -> int:
    """Return the whole GiB that each of `replicas` containers on an instance may use."""
    free = memory_gib * (1 - RESERVED_SHARE) - RESERVED_GIB
    return int(free // replicas)


def needed_memory_gib(tensor_parallel_size: int) -> int:
    """Return the GiB of host memory that a replica needs."""
    shared = SHARED_MEMORY_GIB if tensor_parallel_size > 1 else 0
    return FIRST_RANK_GIB + FURTHER_RANK_GIB * (tensor_parallel_size - 1) + shared


def replicas_by_memory(instance: Instance, tensor_parallel_size: int) -> int:
    """Return how many replicas the host's memory holds."""
    return container_memory_gib(instance.memory_gib, 1) // needed_memory_gib(tensor_parallel_size)


def host_memory_refusal(instance: Instance, tensor_parallel_size: int) -> str | None:
    """Say why the host has too little memory for one replica, or return `None`."""
    if replicas_by_memory(instance, tensor_parallel_size) >= 1:
        return None
    return (
        f"its {instance.memory_gib:g} GiB of host memory leave "
        f"{container_memory_gib(instance.memory_gib, 1)} GiB for a replica that needs "
        f"{needed_memory_gib(tensor_parallel_size)}"
    )
