"""Podman with a store of its own in the checkout, so that nobody's images or settings take part."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
STORE = ROOT / ".images"
# Sockets lie below it, and a socket's path has at most 107 characters.
RUN = Path("/run") / f"cdk-vllm-{hashlib.sha256(bytes(ROOT)).hexdigest()[:8]}"
PROGRAMS = {
    "buildah": "buildah",
    "catatonit": "catatonit",
    "ip": "iproute2",
    "podman": "podman",
    "runc": "runc",
}
STORAGE = f"""[storage]
driver = "overlay"
graphroot = "{STORE}/storage"
runroot = "{RUN}"
"""
CONTAINERS = """[containers]
default_ulimits = []
netns = "host"
pids_limit = 0
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
runtime = "runc"
"""


def what_is_missing() -> str | None:
    """Return one sentence on why images cannot be built and run here, or nothing if they can."""
    packages = sorted(package for name, package in PROGRAMS.items() if not shutil.which(name))
    if packages:
        names = " ".join(packages)
        return f"The image tests need {names}: apt-get install --no-install-recommends {names}"
    if os.geteuid():
        return (
            "The image tests mount file systems and open a network of their own: run them as root."
        )
    return None


def environment() -> dict[str, str]:
    """Return the variables under which both programs use the store in the checkout."""
    STORE.mkdir(exist_ok=True)
    files = {"CONTAINERS_CONF": CONTAINERS, "CONTAINERS_STORAGE_CONF": STORAGE}
    for name, text in files.items():
        (STORE / f"{name.lower()}.toml").write_text(text, "utf-8")
    return os.environ | {name: f"{STORE}/{name.lower()}.toml" for name in files}


def run(*words: str, seconds: float = 300) -> str:
    """Return what a command of podman's or buildah's printed; a failure shows what it said."""
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=environment(), timeout=seconds
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout.strip()
