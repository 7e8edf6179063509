"""What the image would bring, from the Dockerfile and the folder beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.local import image

if TYPE_CHECKING:
    from pathlib import Path


def test_variables_are_read_over_continued_lines() -> None:
    text = 'FROM a\nENV ONE=1 \\\n    TWO="a b" \\\n    NONE=\nRUN x\n# ENV NO=1\nENV THREE=3\n'
    assert image.variables(text) == {"ONE": "1", "TWO": "a b", "NONE": "", "THREE": "3"}


def test_the_images_own_variables_keep_it_offline() -> None:
    told = image.variables((image.container_directory() / "Dockerfile").read_text("utf-8"))
    assert told["HF_HUB_OFFLINE"] == "1"
    assert told["VLLM_NO_USAGE_STATS"] == "1"
    assert told["HOME"].startswith("/var/cache/")


def test_files_are_copied_and_paths_moved_in_scripts(tmp_path: Path) -> None:
    image.unpack(tmp_path, lambda text: text.replace("/opt/ml/model", "/elsewhere"))
    script = (tmp_path / "entrypoint.sh").read_text("utf-8")
    assert "model=/elsewhere" in script
    assert "/opt/ml/model" not in script
    original = image.container_directory() / "prepare.py"
    assert (tmp_path / "prepare.py").read_bytes() == original.read_bytes()


def test_the_scripts_lie_where_the_dockerfile_puts_them() -> None:
    text = (image.container_directory() / "Dockerfile").read_text("utf-8")
    assert f" {image.FILES}/\n" in text
