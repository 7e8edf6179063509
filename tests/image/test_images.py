"""The two images themselves: what was added to vLLM's, and what it may do."""

from __future__ import annotations

import json

import pytest

from tests.image.conftest import TARGETS
from tests.image.podman import ROOT, run
from tests.image.task import ulimits

FILES = "/opt/cdk-vllm"
IN_TURN = "find / -xdev \\( -path /proc -o -path /sys \\) -prune -o"


def shell(image: str, script: str, user: str = "0:0") -> list[str]:
    """Return the lines that a shell in a container of its own prints."""
    words = ["--rm", *ulimits([]), "--entrypoint", json.dumps(["bash", "-c", script])]
    return run("podman", "run", *words, f"--user={user}", image).splitlines()


@pytest.mark.parametrize("target", TARGETS)
def test_every_file_of_ours_is_readable_and_nobodys_to_write(
    images: dict[str, str], target: str
) -> None:
    lines = shell(images[target], f"find {FILES} -printf '%U %m %P\\n'")
    assert {line.split(" ", 2)[0] for line in lines} == {"0"}
    for line in lines:
        _, mode, name = line.split(" ", 2)
        assert int(mode, 8) & 0o444 == 0o444, name
        assert name == "" or not int(mode, 8) & 0o222, name
    names = {line.split(" ", 2)[2] for line in lines}
    assert {"entrypoint.sh", "prepare.py"} <= names
    assert not {name for name in names if "__pycache__" in name or "Dockerfile" in name}


@pytest.mark.parametrize("target", TARGETS)
def test_all_that_the_user_of_ecs_can_write_is_the_cache(
    images: dict[str, str], target: str
) -> None:
    script = f"{IN_TURN} -not -type l -writable -not -path '/dev/*' -print"
    assert set(shell(images[target], script, user="2000:0")) <= {
        "/tmp",
        "/var/tmp",
        "/var/cache/vllm",
    }


def test_a_build_adds_next_to_nothing(base: str, images: dict[str, str]) -> None:
    sizes = {}
    for name in (base, *images.values()):
        sizes[name] = int(run("podman", "image", "inspect", "--format", "{{.Size}}", name))
    assert all(size - sizes[base] < 2**20 for size in sizes.values())


def test_the_two_images_differ_in_how_they_start(images: dict[str, str]) -> None:
    form = "{{json .Config}}"
    found = {
        target: json.loads(run("podman", "image", "inspect", "--format", form, name))
        for target, name in images.items()
    }
    assert found["ecs"]["User"] == "2000:0"
    assert found["ecs"]["Entrypoint"] == ["vllm", "serve"]
    assert found["sagemaker"].get("User", "") == ""
    assert found["sagemaker"]["Entrypoint"] == ["/bin/bash", f"{FILES}/entrypoint.sh"]
    assert not any(config.get("Cmd") for config in found.values())


def test_the_images_hold_what_the_checkout_does(images: dict[str, str]) -> None:
    (line,) = shell(images["ecs"], f"cat {FILES}/prepare.py | wc -c")
    assert int(line) == (ROOT / "container" / "prepare.py").stat().st_size
