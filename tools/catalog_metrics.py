"""Write the table of the engine's metrics: what a running server shows, what a source declares.

    python -m tools.catalog_metrics 0.32.0=SCRAPE 0.33.0=PACKAGE

`SCRAPE` is a file with the text of /metrics, of a server without options that add metrics;
`PACKAGE` is the folder of an unpacked `vllm`. The diff of `catalog/metrics.toml` is to be reviewed.
"""

from __future__ import annotations

import ast
import re
import sys
from datetime import date
from pathlib import Path
from typing import Any

from tools.catalog_toml import CATALOG, toml_file

COMMENT = """\
The metrics of vLLM's server that alarms, dashboards and scaling may use: of each version what it
shows without options that add metrics. `labels` are as scraped. Names of counters lack `_total`,
those of histograms `_bucket`, `_sum` and `_count`. Written by tools/catalog_metrics.py."""
SOURCE = "vLLM itself: /metrics of its running CPU build, and the source of the image's release"
SOURCES = ("v1/metrics/loggers.py",)
INSTRUMENTATOR = "entrypoints/serve/instrumentator/metrics.py"
KINDS = {"_gauge_cls": "gauge", "_counter_cls": "counter", "_histogram_cls": "histogram"}
OTHERS = ("http_requests",)
"""What prometheus-fastapi-instrumentator, not vLLM, counts in the same server."""


def scraped(text: str) -> dict[str, dict[str, Any]]:
    """Return kind, labels and help of every family of vLLM's in an exposition."""
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
    found: dict[str, dict[str, Any]] = {}
    for name, kind in re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE):
        family = name.removesuffix("_total") if kind == "counter" else name
        if name.endswith("_created") or not (family in OTHERS or name.startswith("vllm:")):
            continue
        found[family] = {"kind": kind, "labels": _labels(text, name), "help": helps[name]}
    return found


def _labels(text: str, name: str) -> list[str]:
    samples = re.findall(rf"^{name}(?:_bucket|_sum|_count)?{{(.*)}} ", text, re.MULTILINE)
    labels = {label for sample in samples for label in re.findall(r'(\w+)="', sample)}
    return sorted(labels - {"le"})


def declared(package: Path) -> dict[str, dict[str, Any]]:
    """Return kind and help of every family that a `vllm` package declares unconditionally."""
    found: dict[str, dict[str, Any]] = {}
    for source in SOURCES:
        tree = ast.parse((package / source).read_text("utf-8"))
        optional = {
            id(call)
            for branch in ast.walk(tree)
            if isinstance(branch, ast.If)
            for statement in branch.body + branch.orelse
            for call in ast.walk(statement)
        }
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and id(call) not in optional:
                found |= _declaration(call)
    if "Instrumentator(" in (package / INSTRUMENTATOR).read_text("utf-8"):
        found |= {name: {"kind": "counter"} for name in OTHERS}
    return found


def _declaration(call: ast.Call) -> dict[str, dict[str, Any]]:
    kind = KINDS.get(getattr(call.func, "attr", ""))
    words = {k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)}
    if not kind or not str(words.get("name", "")).startswith("vllm:"):
        return {}
    return {str(words["name"]): {"kind": kind, "help": words.get("documentation", "")}}


def table(versions: dict[str, dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Return a row for each family: its kind and labels, and the versions that have it."""
    rows: dict[str, dict[str, Any]] = {}
    for version, families in versions.items():
        for name, family in families.items():
            row = rows.setdefault(name, {"kind": family["kind"], "versions": []})
            if row["kind"] != family["kind"]:
                raise ValueError(f"{name} is a {row['kind']} and a {family['kind']}")
            row["versions"].append(version)
            for key in ("labels", "help"):
                if family.get(key):
                    row.setdefault(key, family[key])
    return rows


def main(arguments: list[str]) -> None:
    """Write the table anew."""
    (CATALOG / "metrics.toml").write_text(written(arguments, date.today()), "utf-8")


def written(arguments: list[str], day: date) -> str:
    """Return the table's text: what was read on a day, of each version in its own way."""
    versions, read = {}, {}
    for argument in arguments:
        version, _, place = argument.partition("=")
        path = Path(place)
        text = None if path.is_dir() else path.read_text("utf-8")
        versions[version] = declared(path) if text is None else scraped(text)
        read[version] = "declared in its source" if text is None else "scraped from its server"
    head = {"as_of": day.isoformat(), "source": SOURCE, "versions": read}
    return toml_file(COMMENT, head, {"metrics": table(versions)})


if __name__ == "__main__":
    main(sys.argv[1:])
