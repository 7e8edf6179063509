"""Rewrites which GPU instances each region offers, from the region data that cfn-lint ships.

Run `python tools/refresh_availability.py` after an update of cfn-lint, and review the diff.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from cdk_vllm import catalog

TARGET = Path(__file__).parents[1] / "src" / "cdk_vllm" / "catalog" / "availability.toml"
EXTENSIONS = "cfnlint.data.schemas.extensions"
SOURCES = {"ec2": "aws_ec2_instance", "sagemaker": "aws_sagemaker_hosting"}

COMMENT = """\
# The GPU instance types that a region offers. A region that is absent is unknown, and so is a type
# that no region is said to offer.
"""


def availability_file() -> str:
    """Return the file's text: for each service and region, the catalogue's types it offers."""
    parts = [COMMENT + f'source = "cfn-lint {version("cfn-lint")}, its region data"\n']
    for service, folder in SOURCES.items():
        parts.append(f"\n[{service}]\n")
        for region, offered in sorted(_offered(folder).items()):
            names = [name for name in _names(service) if name in offered]
            if names:
                parts.append(f"{region} = {json.dumps(names)}\n")
    return "".join(parts)


def _names(service: str) -> list[str]:
    instances = catalog.instances().values()
    if service == "ec2":
        return [instance.name for instance in instances]
    return [instance.sagemaker for instance in instances if instance.sagemaker]


def _offered(folder: str) -> dict[str, set[str]]:
    text = files(f"{EXTENSIONS}.{folder}").joinpath("instancetype_enum.json").read_text("utf-8")
    # Beside the regions stands a comment, which is no rule.
    rules = {region: rule for region, rule in json.loads(text).items() if "enum" in rule}
    return {region: set(rule["enum"]) for region, rule in rules.items()}


if __name__ == "__main__":
    TARGET.write_text(availability_file(), encoding="utf-8")
