"""Writes the files in observability/: Grafana's dashboards, Prometheus's scraping and its rules.

Run `python tools/write_observability.py` after a change to `cdk_vllm.observability`; a test holds
them. Prometheus reads JSON as the YAML it is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cdk_vllm.observability.grafana import environment_dashboard, service_dashboard
from cdk_vllm.observability.prometheus import default_rules, scrape_configuration

FOLDER = Path(__file__).parents[1] / "observability"


def files() -> dict[str, dict[str, Any]]:
    """Return the content of each file by its path in the folder."""
    return {
        "grafana/environment.json": environment_dashboard(),
        "grafana/service.json": service_dashboard(),
        "prometheus/prometheus.json": scrape_configuration(),
        "prometheus/rules.json": default_rules(),
    }


def text(content: dict[str, Any]) -> str:
    """Return a file's text."""
    return json.dumps(content, indent=2) + "\n"


def main() -> None:
    """Write every file."""
    for path, content in files().items():
        file = FOLDER / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text(content), "utf-8")


if __name__ == "__main__":
    main()
