"""The facts as a whole: every name that one file uses is in the other."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from cdk_vllm import catalog
from cdk_vllm.catalog.toml_file import read

FILES = sorted(p.name for p in files("cdk_vllm.catalog").iterdir() if p.name.endswith(".toml"))


def test_every_instance_has_a_known_gpu() -> None:
    assert {i.gpu for i in catalog.instances().values()} <= set(catalog.gpus())


def test_every_usable_instance_can_be_sized() -> None:
    usable = [i for i in catalog.instances().values() if i.unsupported is None]
    assert len(usable) > 40
    for instance in usable:
        assert catalog.gpus()[instance.gpu].total_gib
        assert instance.gpus in (1, 2, 4, 8)
        assert instance.arch == "x86_64"
        assert instance.local_nvme_gb > 0


@pytest.mark.parametrize("name", FILES)
def test_every_file_has_a_source_and_a_date(name: str) -> None:
    facts = read(name)
    rows = [row for table in facts.values() if isinstance(table, dict) for row in table.values()]
    sourced = all(isinstance(row, dict) and row.get("source") for row in rows)
    assert sourced or any(key.endswith("source") for key in facts)
    dated = any(key.endswith(("as_of", "version")) for key in facts)
    assert dated or any(character.isdigit() for character in str(facts["source"]))


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_one_fact_per_line(name: str) -> None:
    text = files("cdk_vllm.catalog").joinpath(name).read_text("utf-8")
    assert tomllib.loads(text) == read(name)
    assert '"""' not in text
