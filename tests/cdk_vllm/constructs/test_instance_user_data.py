"""The first boot: a script that a shell accepts, for instances with and without NVMe."""

from __future__ import annotations

import subprocess

import pytest

from cdk_vllm.constructs.instance_user_data import instance_user_data


@pytest.mark.parametrize("has_nvme", [True, False])
def test_the_script_is_a_shells(has_nvme: bool) -> None:
    script = instance_user_data(cluster_name="c", stop_timeout_seconds=150, has_nvme=has_nvme)
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert ("mkfs.xfs" in script) is has_nvme


def test_the_agent_is_told_what_it_does_not_do_by_itself() -> None:
    script = instance_user_data(cluster_name="chat", stop_timeout_seconds=150, has_nvme=False)
    lines = script.splitlines()
    assert lines[0] == "#!/bin/bash"
    for line in (
        "ECS_CLUSTER=chat",
        "ECS_AWSVPC_BLOCK_IMDS=true",
        "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true",
        "ECS_CONTAINER_STOP_TIMEOUT=150s",
        "chown 2000:0 /var/lib/vllm",
        "chmod 0700 /var/lib/vllm",
    ):
        assert line in lines


def test_the_disk_of_the_instance_is_found() -> None:
    """Run the script's own search over what `lsblk` prints on a GPU instance."""
    script = instance_user_data(cluster_name="c", stop_timeout_seconds=1, has_nvme=True)
    (search,) = [line for line in script.splitlines() if line.startswith("disk=")]
    listing = (
        "/dev/nvme0n1 Amazon Elastic Block Store\n"
        "/dev/nvme1n1 Amazon EC2 NVMe Instance Storage\n"
        "/dev/nvme2n1 Amazon EC2 NVMe Instance Storage"
    )
    program = f"lsblk() {{ echo '{listing}'; }}\n{search}\necho $disk"
    run = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "/dev/nvme1n1"
