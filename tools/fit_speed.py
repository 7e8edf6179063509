"""Fit the speed coefficients on measured latencies, one model left out at a time, and show errors.

The CSV has one run a row: `model`, `gpu_system`, `gemm_quantization`, lengths, `concurrency`,
parallel sizes, `ttft_ms` and `tpot_ms`. `--hf-configs` is a folder of `ORG__NAME.json`. Prints the
error of each model as predicted from all the others; `--write` puts the coefficients and the spread
of those predictions into speed.toml; `--score` predicts with the committed coefficients only, which
is how runs of models that were never fitted on are judged. Pure Python: Nelder and Mead's simplex.
"""

from __future__ import annotations

import argparse
import tomllib
from dataclasses import replace
from math import exp, log
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, NamedTuple

from cdk_vllm import catalog
from cdk_vllm.sizing.speed.latency import Latency, latency
from tools.catalog_toml import CATALOG, toml_file
from tools.speed_runs import Run, runs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cdk_vllm.catalog import SpeedCoefficients

START = {
    "bandwidth_efficiency": 0.75,
    "compute_efficiency": 0.5,
    "kernel_seconds": 3e-6,
    "all_reduce_seconds": 6e-6,
    "sequence_seconds": 2e-5,
}
# What hardware can do: a coefficient outside is the fit's, not the GPU's.
BOUNDS = {"bandwidth_efficiency": (0.4, 0.95), "compute_efficiency": (0.3, 0.7)}
DOCS = CATALOG.parents[2] / "docs" / "speed-and-price.md"
COMMENT = """\
How fast vLLM runs: the coefficients of sizing/speed's roofline, written by tools/fit_speed.py.
fitted: shares of the GPU's bandwidth and of its 8-bit and 4-bit peak; seconds for a kernel, a
sequence and an all-reduce over two ranks (times log2 of the ranks); TTFT's growth with a queue.
assumed: the share of the 16-bit peak (matrix products reach about 0.7 of it), and an all-reduce on
PCIe (a third of the 0.1 ms an all-reduce over eight L40S takes in a public run).
spread: measured over predicted, tenth and ninetieth percentile, each model predicted from the
others; uncalibrated is a guess. accuracy: the median errors of those predictions."""
QUEUE = {"queue_factor": 1.0, "queue_exponent": 0.45}


def predict(run: Run, coefficients: SpeedCoefficients) -> Latency:
    """Return the prediction for a run."""
    return latency(run.steps, run.gpu, run.load, coefficients)


def coefficients_of(names: Sequence[str], values: Sequence[float]) -> SpeedCoefficients:
    """Return the committed coefficients with fitted ones in their place; values are logarithms."""
    known = catalog.speed_coefficients()
    fitted: dict[str, Any] = {
        name: bounded(name, exp(value)) for name, value in zip(names, values, strict=True)
    }
    if "all_reduce_seconds" in fitted:
        links = {**known.all_reduce_seconds, "nvlink": fitted.pop("all_reduce_seconds")}
        return replace(known, all_reduce_seconds=links, **fitted)
    return replace(known, **fitted)


def bounded(name: str, value: float) -> float:
    """Keep a coefficient to what hardware can do."""
    low, high = BOUNDS.get(name, (0.0, float("inf")))
    return min(max(value, low), high)


def fit(runs: Sequence[Run], start: dict[str, float], base: SpeedCoefficients) -> SpeedCoefficients:
    """Return the coefficients with the least mean |log(predicted / measured)|.

    The queue's are fitted on TTFT, the others on TPOT, each with the rest as in `base`.
    """
    names = list(start)
    first = "queue_factor" in start

    def loss(point: Sequence[float]) -> float:
        found = merged(base, names, point)
        if first:
            errors = (abs(log(predict(r, found).ttft_seconds / r.ttft_seconds)) for r in runs)
        else:
            errors = (abs(log(predict(r, found).tpot_seconds / r.tpot_seconds)) for r in runs)
        return sum(errors) / len(runs)

    best = simplex(loss, [log(value) for value in start.values()])
    return merged(base, names, best)


def merged(
    base: SpeedCoefficients, names: Sequence[str], point: Sequence[float]
) -> SpeedCoefficients:
    """Return `base` with the named coefficients at a point of the search."""
    found = coefficients_of(names, point)
    kept = {f: getattr(base, f) for f in vars(base) if f not in names}
    return replace(found, **kept)


def simplex(
    loss: Callable[[Sequence[float]], float], start: list[float], steps: int = 160
) -> list[float]:
    """Minimise by Nelder and Mead's simplex from `start`, a tenth away in each direction."""
    points = [start] + [
        [x + 0.2 * (i == j) for j, x in enumerate(start)] for i in range(len(start))
    ]
    scored = sorted(((loss(point), point) for point in points), key=lambda pair: pair[0])
    for _ in range(steps):
        *kept, (worst, last) = scored
        centre = [sum(p[i] for _, p in kept) / len(kept) for i in range(len(start))]

        def along(factor: float) -> tuple[float, list[float]]:
            point = [c + factor * (x - c) for c, x in zip(centre, last, strict=True)]  # noqa: B023
            return loss(point), point

        candidate = along(-1)
        if candidate[0] < scored[0][0]:
            candidate = min(candidate, along(-2), key=lambda pair: pair[0])
        elif candidate[0] >= kept[-1][0]:
            candidate = along(0.5)
        if candidate[0] < worst:
            scored = [*kept, candidate]
        else:  # shrink towards the best
            best = scored[0][1]
            shrunk = [[(a + b) / 2 for a, b in zip(best, p, strict=True)] for _, p in scored[1:]]
            scored = [scored[0]] + [(loss(point), point) for point in shrunk]
        scored.sort(key=lambda pair: pair[0])
        if scored[-1][0] - scored[0][0] < 1e-6:
            break
    return scored[0][1]


class Error(NamedTuple):
    """A run, and how many times too long its two times were predicted."""

    run: Run
    tpot: float
    ttft: float


def errors_of(runs: Sequence[Run], coefficients: SpeedCoefficients) -> list[Error]:
    """Return predicted over measured for every run."""
    found = []
    for run in runs:
        tpot, ttft = predict(run, coefficients)
        found.append(Error(run, tpot / run.tpot_seconds, ttft / run.ttft_seconds))
    return found


def fit_all(runs: Sequence[Run]) -> SpeedCoefficients:
    """Fit TPOT's coefficients, then the queue's; what is assumed stays as it is."""
    queue: dict[str, Any] = dict(QUEUE)
    start = replace(catalog.speed_coefficients(), **queue)
    return fit(runs, QUEUE, fit(runs, START, start))


def left_out(runs: Sequence[Run]) -> list[Error]:
    """Return the errors of every model under coefficients fitted on all the others."""
    errors: list[Error] = []
    for model in sorted({run.model for run in runs}):
        others = [run for run in runs if run.model != model]
        errors += errors_of([run for run in runs if run.model == model], fit_all(others))
    return errors


def median_error(ratios: Sequence[float]) -> float:
    """Return the median of |predicted / measured - 1|."""
    return median(abs(ratio - 1) for ratio in ratios)


def table(errors: Sequence[Error]) -> str:
    """Return the errors by model and over all, in percent, as a Markdown table."""
    lines = [
        "| model | runs | TPOT error | bias | TTFT error | bias |",
        "|---|---|---|---|---|---|",
    ]
    models = sorted({error.run.model for error in errors})
    for name, chosen in [(m, [e for e in errors if e.run.model == m]) for m in models] + [
        ("**all**", list(errors))
    ]:
        cells = [name, str(len(chosen))]
        for ratios in ([e.tpot for e in chosen], [e.ttft for e in chosen]):
            cells += [f"{median_error(ratios):.1%}", f"{median(ratios) - 1:+.0%}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def with_table(page: str, rows: str) -> str:
    """Return a page with the table between its marks replaced."""
    start, end = "<!-- speed errors -->\n", "<!-- end -->"
    before, _, rest = page.partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"the page lacks {start.strip()} or {end}")
    return f"{before}{start}\n{rows}\n\n{end}{after}"


def spread(errors: Sequence[Error], kind: str) -> dict[str, float]:
    """Return the tenth and ninetieth percentiles of measured over predicted, for a kind."""
    row: dict[str, float] = {}
    for quantity in ("tpot", "ttft"):
        ratios = [1 / getattr(error, quantity) for error in errors if error.run.kind == kind]
        tenths = quantiles(ratios, n=10)
        row |= {f"{quantity}_low": round(tenths[0], 2), f"{quantity}_high": round(tenths[-1], 2)}
    return row


def speed_toml(coefficients: SpeedCoefficients, errors: Sequence[Error]) -> str:
    """Return speed.toml with new coefficients and spreads; what is assumed stays as it is."""
    known = tomllib.loads((CATALOG / "speed.toml").read_text("utf-8"))
    fitted = {name: getattr(coefficients, name) for name in known["fitted"]}
    fitted["all_reduce_seconds"] = coefficients.all_reduce_seconds["nvlink"]
    known["fitted"] = {name: float(f"{value:.4g}") for name, value in fitted.items()}
    known["spread"] |= {kind: spread(errors, kind) for kind in ("dense", "mixture")}
    known["accuracy"] = {
        "runs": len(errors),
        "tpot_median_error": round(median_error([e.tpot for e in errors]), 3),
        "ttft_median_error": round(median_error([e.ttft for e in errors]), 3),
    }
    head = {key: value for key, value in known.items() if not isinstance(value, dict)}
    tables = {"fitted": known["fitted"], "assumed": known["assumed"], "spread": known["spread"],
              "accuracy": known["accuracy"]}  # fmt: skip
    return toml_file(COMMENT, head, tables)


def main(arguments: list[str] | None = None) -> int:
    """Fit, score, or write, and print the table of errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("measurements", type=Path, metavar="CSV")
    parser.add_argument("--hf-configs", type=Path, required=True, metavar="DIR")
    parser.add_argument("--score", action="store_true", help="predict only, fit nothing")
    parser.add_argument("--write", action="store_true", help="rewrite speed.toml and the docs")
    given = parser.parse_args(arguments)
    runs = runs_of(given.measurements, given.hf_configs)
    if given.score:
        print(table(errors_of(runs, catalog.speed_coefficients())))
        return 0
    errors = left_out(runs)
    print(table(errors))
    if given.write:
        (CATALOG / "speed.toml").write_text(speed_toml(fit_all(runs), errors), "utf-8")
        DOCS.write_text(with_table(DOCS.read_text("utf-8"), table(errors)), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
