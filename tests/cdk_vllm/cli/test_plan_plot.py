"""The picture: every candidate has its bar, and the same plan gives the same bytes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cdk_vllm.cli.plan import command
from cdk_vllm.errors import InputError

ROOT = Path(__file__).parents[3]
ASK = ("--model", "Qwen/Qwen3-8B", "--prompt-tokens", "2000", "--output-tokens", "500",
       "--concurrent-requests", "32")  # fmt: skip


def plot(path: Path, *arguments: str) -> None:
    result = CliRunner().invoke(command, [*arguments, "--plot", str(path)], catch_exceptions=False)
    assert result.exit_code == 0
    assert f"Wrote {path}." in result.stderr


def test_an_svg_has_candidates_terms_and_prices(tmp_path: Path) -> None:
    plot(tmp_path / "a.svg", *ASK)
    text = (tmp_path / "a.svg").read_text("utf-8")
    drawn = re.sub(r"<[^>]+>", "\n", text)
    for words in ("g6e.xlarge  L40S", "1.86, chosen", "g6.xlarge  L4", "0.80, refused", "weights",
                  "KV cache needed", "GiB on one GPU"):  # fmt: skip
        assert words in drawn


def test_the_same_plan_is_the_same_picture(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg", "a.png", "b.png"):
        plot(tmp_path / name, *ASK)
    for suffix in ("svg", "png"):
        first, second = ((tmp_path / f"{n}.{suffix}").read_bytes() for n in "ab")
        assert first == second
    assert first.startswith(b"\x89PNG")


def test_an_environment_has_a_panel_a_service(tmp_path: Path) -> None:
    plot(tmp_path / "a.svg", str(ROOT / "environments" / "dev.toml"))
    text = (tmp_path / "a.svg").read_text("utf-8")
    assert "chat: Qwen/Qwen3-8B" in text
    assert "summaries: " in text


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must end in \.svg or \.png"):
        plot(tmp_path / "a.pdf", *ASK)


def test_without_the_extra_the_fix_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=re.escape("pip install 'cdk-vllm[plot]'")):
        plot(tmp_path / "a.svg", *ASK)
