"""What the engine tests install is split, so that either build of PyTorch can be a part of it."""

from __future__ import annotations

from pathlib import Path

from tools import lock_engine

ROOT = Path(__file__).parents[2]
COMPILED = """\
numpy==2.3.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
nvidia-cublas==13.1.1.3 \\
    --hash=sha256:cc
torch==2.13.0 \\
    --hash=sha256:dd
torchaudio==2.11.0 \\
    --hash=sha256:ee
torchvision==0.28.0 \\
    --hash=sha256:ff
"""


def test_every_package_goes_where_it_is_installed_from() -> None:
    always, cuda = lock_engine.split(COMPILED)
    assert list(lock_engine.blocks(always)) == ["numpy", "torchvision"]
    assert list(lock_engine.blocks(cuda)) == ["nvidia-cublas", "torch"]
    assert lock_engine.blocks(always)["numpy"].count("--hash=sha256:") == 2


def test_the_committed_pins_are_so_split() -> None:
    always = (ROOT / "requirements-engine.txt").read_text("utf-8")
    cuda = (ROOT / "tests" / "engine" / "torch-cuda.txt").read_text("utf-8")
    assert lock_engine.split(always) == (always, "")
    assert lock_engine.split(cuda) == ("", cuda)
    assert lock_engine.WANTED.splitlines()[0] in always
    assert lock_engine.OVERRIDES.strip() in cuda
