"""The fit, and the figures it must reach on models that it has not seen."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cdk_vllm import catalog
from cdk_vllm.catalog.toml_file import read
from tools import fit_speed
from tools.catalog_toml import CATALOG
from tools.speed_runs import runs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.speed_runs import Run

MEASURED = Path(__file__).parent / "measured"
TARGET = 0.15  # the median error of TPOT that a model left out of the fit may have


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    return runs_of(MEASURED / "latency.csv", MEASURED / "configs")


@pytest.fixture(scope="module")
def errors(runs: list[Run]) -> list[fit_speed.Error]:
    return fit_speed.left_out(runs)


def median_tpot(errors: Sequence[fit_speed.Error], model: str = "") -> float:
    return fit_speed.median_error([e.tpot for e in errors if model in e.run.model])


def test_models_left_out_are_predicted_within_the_target(errors: list[fit_speed.Error]) -> None:
    assert len(errors) == 1007
    assert median_tpot(errors) <= TARGET
    assert median_tpot(errors, "MiniMax") <= TARGET
    assert median_tpot(errors, "Llama-3.1-70B") <= TARGET
    assert median_tpot(errors, "Kimi") <= 0.20


def test_the_committed_figures_are_those_of_the_fit(errors: list[fit_speed.Error]) -> None:
    accuracy = read("speed.toml")["accuracy"]
    assert accuracy["runs"] == len(errors)
    assert accuracy["tpot_median_error"] == pytest.approx(median_tpot(errors), abs=0.002)
    for kind in ("dense", "mixture"):
        assert fit_speed.spread(errors, kind) == pytest.approx(
            read("speed.toml")["spread"][kind], abs=0.02
        )


def test_eight_runs_in_ten_lie_within_the_range_that_is_told(
    errors: list[fit_speed.Error],
) -> None:
    for kind in ("dense", "mixture"):
        low, high = catalog.speed_spread(kind, "tpot")
        ratios = [1 / e.tpot for e in errors if e.run.kind == kind]
        assert sum(low <= ratio <= high for ratio in ratios) >= 0.78 * len(ratios)


def test_coefficients_are_what_hardware_can_do() -> None:
    found = catalog.speed_coefficients()
    assert 0.6 < found.bandwidth_efficiency < 0.9
    assert 0.3 < found.compute_efficiency < found.compute_efficiency_16_bit < 0.8
    assert 1e-6 < found.kernel_seconds < 1e-5
    assert found.all_reduce_seconds["nvlink"] < found.all_reduce_seconds["pcie"]


def test_the_simplex_finds_a_minimum() -> None:
    def loss(point: Sequence[float]) -> float:
        return abs(point[0] - 1) + (point[1] + 2) ** 2

    assert fit_speed.simplex(loss, [0.0, 0.0], steps=300) == pytest.approx([1, -2], abs=0.02)


def test_a_table_has_a_row_a_model_and_one_for_all(errors: list[fit_speed.Error]) -> None:
    lines = fit_speed.table(errors).splitlines()
    assert len(lines) == 2 + 5 + 1
    assert lines[-1].startswith("| **all** | 1007 |")


def test_scoring_fits_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = (MEASURED / "latency.csv").read_text("utf-8").splitlines()
    few = tmp_path / "few.csv"
    few.write_text("\n".join([rows[0], *rows[1:500:50]]), "utf-8")
    arguments = [str(few), "--hf-configs", str(MEASURED / "configs"), "--score"]
    assert fit_speed.main(arguments) == 0
    assert "| **all** | 10 |" in capsys.readouterr().out


def test_what_is_written_can_be_read(
    runs: list[Run],
    errors: list[fit_speed.Error],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    shutil.copy(CATALOG / "speed.toml", tmp_path)
    monkeypatch.setattr(fit_speed, "CATALOG", tmp_path)
    text = fit_speed.speed_toml(catalog.speed_coefficients(), errors)
    assert text == (CATALOG / "speed.toml").read_text("utf-8")


def test_the_docs_have_the_table_of_the_fit(errors: list[fit_speed.Error]) -> None:
    page = fit_speed.DOCS.read_text("utf-8")
    assert fit_speed.with_table(page, fit_speed.table(errors)) == page
    with pytest.raises(ValueError, match="lacks"):
        fit_speed.with_table("no marks", "x")


def test_the_docs_example_is_so() -> None:
    import doctest

    assert doctest.testfile(str(fit_speed.DOCS), module_relative=False).failed == 0
