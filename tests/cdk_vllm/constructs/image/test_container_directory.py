from __future__ import annotations

from pathlib import Path

import pytest

from cdk_vllm.constructs.image.container_directory import container_directory
from cdk_vllm.errors import InputError

ROOT = Path(__file__).parents[4]


def wheel(folder: Path) -> Path:
    """Return the package directory of an installed wheel."""
    package = folder / "lib" / "site-packages" / "cdk_vllm"
    (package / "_container").mkdir(parents=True)
    (package / "_container" / "Dockerfile").touch()
    return package


def test_a_checkout_has_it_at_its_root() -> None:
    assert container_directory() == ROOT / "container"


def test_an_installed_wheel_carries_it(tmp_path: Path) -> None:
    package = wheel(tmp_path)
    assert container_directory(package) == package / "_container"


def test_a_folder_that_only_has_the_name_is_not_it(tmp_path: Path) -> None:
    package = wheel(tmp_path)
    (package / "_container" / "Dockerfile").unlink()
    with pytest.raises(InputError, match="install cdk-vllm again, or give your own `directory`"):
        container_directory(package)
