from __future__ import annotations

import pytest

from tools.write_observability import FOLDER, files, text


@pytest.mark.parametrize("path", sorted(files()))
def test_the_committed_file_is_what_the_code_says(path: str) -> None:
    assert (FOLDER / path).read_text("utf-8") == text(files()[path]), "run the tool"


def test_nothing_else_lies_there() -> None:
    found = {str(file.relative_to(FOLDER)) for file in FOLDER.rglob("*") if file.is_file()}
    assert found == set(files())
