"""GPUs, instance types and prices from a CSV that a maintainer keeps, with a source a column."""

from __future__ import annotations

import re
from typing import Any

from tools.catalog_toml import toml_file

GPU_NAMES = {
    "NVIDIA T4": "T4",
    "NVIDIA T4G": "T4G",
    "NVIDIA A10G": "A10G",
    "NVIDIA L4": "L4",
    "NVIDIA L40S": "L40S",
    "NVIDIA A100-SXM4-40GB": "A100-40GB",
    "NVIDIA A100-SXM4-80GB": "A100-80GB",
    "NVIDIA H100-SXM5-80GB": "H100",
    "NVIDIA H200-SXM-141GB": "H200",
    "NVIDIA B200": "B200",
    "NVIDIA B300": "B300",
    "NVIDIA RTX PRO 4500 Blackwell Server Edition": "RTX PRO 4500",
    "NVIDIA RTX PRO 6000 Blackwell Server Edition": "RTX PRO 6000",
    "NVIDIA V100-SXM2-32GB": "V100-32GB",
}

PRICES_COMMENT = """\
US dollars an hour on demand, and samples of spot prices. A region that is absent here has no
known price. as_of is the day of each region's list.
sagemaker_ratio estimates an unlisted SageMaker price from EC2's: it holds to three
digits on all 32 listed pairs of g4dn, g5, g6, g6e, g7e, p4d and p5; the other families
are by analogy. `xlarge` is the ratio of the size of that name, `other` the rest's."""

# Where each GPU's figures come from, in words a reader can follow.
GPU_SOURCES = {
    "T4": "vendor's data sheet; memory from public vLLM logs of a T4",
    "T4G": "vendor's data sheet",
    "A10G": "llm-analysis 0.2.2; memory from a vLLM log of an A10, its near twin",
    "L4": "aiconfigurator systems/l4.yaml at 095f58a5; memory of an A10, the same 24 GB decimal",
    "L40S": "aiconfigurator systems/l40s.yaml at 095f58a5; memory from a public vLLM log",
    "A100-40GB": "llm-analysis 0.2.2; memory from a public vLLM log",
    "A100-80GB": "aiconfigurator systems/a100_sxm.yaml at 095f58a5; memory from public vLLM logs",
    "H100": "aiconfigurator systems/h100_sxm.yaml at 095f58a5; memory from llm-d-planner's runs",
    "H200": "aiconfigurator systems/h200_sxm.yaml at 095f58a5; memory from public vLLM logs",
    "B200": "aiconfigurator systems/b200_sxm.yaml at 095f58a5; memory from a public vLLM log",
    "B300": "aiconfigurator systems/b300_sxm.yaml at 095f58a5",
    "RTX PRO 4500": "gpuhunt 0.1.34",
    "RTX PRO 6000": "NVIDIA's server edition page (bandwidth), aiconfigurator at 095f58a5 "
    "(TFLOPS); memory from public vLLM logs",
    "V100-32GB": "llm-analysis 0.2.2; memory from a public vLLM log",
}

# The CSV's T4 is what the vendor sells; a public vLLM log of a T4 shows less, and less is safe.
TOTAL_GIB_MEASURED = {"T4": "14.56"}

UNSUPPORTED_GPUS = {
    "T4G": "its host is Arm, and the vLLM image is built for x86_64",
    "V100-32GB": "its compute capability 7.0 is below what vLLM's wheels are compiled for (7.5)",
    "RTX PRO 4500": "nobody has published how much of its memory torch sees",
    "B300": "nobody has published how much of its memory torch sees",
}
FRACTIONAL = "it has a fraction of an L4, which leaves no room for a model"

# Where the CSV's SageMaker names differ from the instance types of SageMaker's API.
NOT_ON_SAGEMAKER = frozenset({"gr6"})
ALSO_ON_SAGEMAKER = frozenset({"g7"})


def gpu_row(row: dict[str, str]) -> dict[str, Any]:
    """One GPU's facts; a figure that nobody published is absent."""
    name = GPU_NAMES[row["accelerator"]]
    total = TOTAL_GIB_MEASURED.get(name, row["gpu_mem_gib_seen_by_torch"])
    dtypes = ["float16"] + ["bfloat16"] * (row["bf16_native"] == "yes")
    dtypes += ["float8"] * (row["fp8_native"] == "yes") + ["float4"] * (row["fp4_native"] == "yes")
    nvlink = re.search(r"NVLink/NVSwitch (\d+)", row["gpu_interconnect"])
    facts: dict[str, Any] = {"compute_capability": row["compute_capability"]}
    if total:
        facts["total_gib"] = float(total)
    if row["mem_bw_gb_s"]:
        facts["memory_bandwidth_gb_per_second"] = int(row["mem_bw_gb_s"])
    if row["fp16_dense_tflops"]:
        facts["dense_tflops"] = float(row["fp16_dense_tflops"])
    facts["dtypes"] = dtypes
    facts["interconnect"] = "nvlink" if nvlink else "pcie"
    if nvlink:
        facts["interconnect_gb_per_second"] = int(nvlink.group(1))
    return facts | {"source": GPU_SOURCES[name]}


def instance_row(row: dict[str, str]) -> dict[str, Any]:
    """One instance type's facts, with the reason where vLLM cannot use it."""
    gpu = GPU_NAMES[row["accelerator"]]
    fractional = bool(row["fractional_gpu"])
    facts: dict[str, Any] = {
        "gpu": gpu,
        "gpus": int(row["accelerator_count"] or 0),
        "vcpus": int(row["vcpu"]),
        "memory_gib": int(row["ram_mib"]) / 1024,
        "local_nvme_gb": int(row["local_nvme_gb"] or 0),
        "network_mbps": int(row["network_mbps"]),
        "arch": row["cpu_arch"],
    }
    listed = bool(row["sagemaker_name"]) and row["family"] not in NOT_ON_SAGEMAKER
    if listed or row["family"] in ALSO_ON_SAGEMAKER:
        facts["sagemaker"] = "ml." + row["instance_type"]
    reason = FRACTIONAL if fractional else UNSUPPORTED_GPUS.get(gpu)
    return facts | ({"unsupported": reason} if reason else {})


def instance_files(rows: list[dict[str, str]]) -> dict[str, str]:
    """Return the text of gpus.toml, instances.toml and prices.toml from the CSV's rows."""
    nvidia = [row for row in rows if row["accelerator"] in GPU_NAMES]
    gpus: dict[str, dict[str, Any]] = {}
    for row in sorted(nvidia, key=lambda row: row["gpu_interconnect"].startswith("NVLink")):
        if not row["fractional_gpu"]:
            gpus[GPU_NAMES[row["accelerator"]]] = gpu_row(row)
    instances = {row["instance_type"]: instance_row(row) for row in nvidia}
    instance_source = next(row["instance_source"] for row in nvidia)
    return {
        "gpus.toml": toml_file(
            "NVIDIA GPUs on AWS. total_gib is what torch sees, which gpu_memory_utilization is a\n"
            "fraction of; dense_tflops are of 16-bit floats without sparsity.",
            {"as_of": "2026-10-31"},
            {"gpus": gpus},
        ),
        "instances.toml": toml_file(
            "EC2 instance types with NVIDIA GPUs; `unsupported` says why vLLM cannot use one.",
            {"as_of": "2026-07-20", "source": instance_source},
            {"instances": instances},
        ),
        "prices.toml": prices_file(nvidia),
    }


def prices_file(nvidia: list[dict[str, str]]) -> str:
    """Return prices.toml: listed on-demand prices, and the rule for SageMaker's unlisted ones."""
    ec2 = {r["instance_type"]: float(r["od_usd_h_us_east_1"]) for r in nvidia if r["od_source"]
           and r["od_usd_h_us_east_1"]}  # fmt: skip
    priced = [r for r in nvidia if r["sagemaker_usd_h"] and r["sagemaker_name"]]
    sagemaker = {r["sagemaker_name"]: float(r["sagemaker_usd_h"]) for r in priced}
    spot = spot_samples(nvidia)
    return prices_text(
        {
            "reference_region": "us-east-1",
            "hours_per_month": 730,
            "ec2_source": next(r["od_source"] for r in nvidia if r["od_source"]),
            "sagemaker_source": "public copies of the AWS Price List of 2026-06-19 to 2026-08-17",
            "spot_source": "skypilot-catalog v8 aws/vms.csv at e385a0d348ed, one sample a zone; "
            "undated, so as_of is the day it was read",
        },
        {
            "as_of/ec2": {"us-east-1": "2026-07-20"},
            "as_of/sagemaker": {"us-east-1": "2026-08-17"},
            "as_of/spot": dict.fromkeys(spot, "2026-10-31"),
            "ec2/us-east-1": ec2,
            "sagemaker/us-east-1": sagemaker,
            **{f"spot/{region}": rows for region, rows in spot.items()},
            "sagemaker_ratio": {
                **{f: {"xlarge": 1.4, "other": 1.25} for f in ("g4dn", "g5", "g6", "g6e", "g7e")},
                **{f: {"other": 1.15} for f in ("p4d", "p4de", "p5", "p5en", "p6-b200")},
            },
        },
    )


def prices_text(head: dict[str, Any], tables: dict[str, dict[str, Any]]) -> str:
    """Render prices.toml."""
    return toml_file(PRICES_COMMENT, head, tables)


def spot_samples(nvidia: list[dict[str, str]]) -> dict[str, dict[str, list[float]]]:
    """Return spot prices by region and type; a sample whose region was not recorded is left out."""
    spot: dict[str, dict[str, list[float]]] = {}
    for row in nvidia:
        region = row.get("spot_region") or ""
        if row.get("spot_usd_h_samples") and re.fullmatch(r"[a-z]+(-[a-z]+)+-\d", region):
            samples = sorted(float(usd) for usd in row["spot_usd_h_samples"].split("|"))
            spot.setdefault(region, {})[row["instance_type"]] = samples
    return dict(sorted(spot.items()))
