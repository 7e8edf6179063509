"""The first boot: a script that a shell accepts, for instances with and without NVMe."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.constructs.instance_user_data import instance_user_data

if TYPE_CHECKING:
    from pathlib import Path


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
    ):
        assert line in lines


def test_directories_are_the_containers_users_alone(tmp_path: Path) -> None:
    """Run the script's own loop, with `chown` only said."""
    script = instance_user_data(cluster_name="c", stop_timeout_seconds=1, has_nvme=False)
    made = script[script.index("mkdir -p") :].replace("/var/lib/vllm", str(tmp_path / "vllm"))
    program = f'chown() {{ echo "$@"; }}\n{made}'
    run = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    names = ("cache", "models", "adapters")
    assert run.stdout.splitlines() == [f"2000:0 {tmp_path}/vllm/{name}" for name in names]
    assert all((tmp_path / "vllm" / name).stat().st_mode & 0o777 == 0o700 for name in names)


DISKS = ("/dev/nvme1n1", "/dev/nvme2n1")


@pytest.mark.parametrize(
    ("count", "has_mdadm", "mounted"),
    [(0, True, None), (1, True, DISKS[0]), (2, True, "/dev/md0"), (2, False, DISKS[0])],
)
def test_the_disks_of_the_instance_are_found_and_joined(
    count: int, has_mdadm: bool, mounted: str | None
) -> None:
    """Run the script's own search over what `lsblk` prints on a GPU instance."""
    script = instance_user_data(cluster_name="c", stop_timeout_seconds=1, has_nvme=True)
    search = script[script.index("disks=$(") : script.index("for directory in")]
    listing = "\n".join(
        ["/dev/nvme0n1 Amazon Elastic Block Store"]
        + [f"{disk} Amazon EC2 NVMe Instance Storage" for disk in DISKS[:count]]
    )
    said = '() { echo $FUNCNAME "$@"; }\n'
    program = (
        f"set -eu\nlsblk() {{ echo '{listing}'; }}\nmount{said}"
        'function mkfs.xfs { echo mkfs.xfs "$@"; }\n'
        + (f"mdadm{said}" if has_mdadm else "")
        + search
    )
    run = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    lines = run.stdout.splitlines()
    expected = [] if mounted is None else [f"mount {mounted} /var/lib/vllm"]
    assert [line for line in lines if line.startswith("mount")] == expected
    if mounted == "/dev/md0":
        assert lines[0].endswith("--raid-devices=2 /dev/nvme1n1 /dev/nvme2n1")
