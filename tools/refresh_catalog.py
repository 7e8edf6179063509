"""Regenerate the catalogue's TOML from given files; its maintainers review the difference.

Each argument rewrites the files it feeds: `--instances` a CSV of instance types with their GPUs and
prices, `--hf-configs` a folder of `ORG__NAME.json` copies of Hugging Face's `config.json`,
`--vllm-help` the text of `vllm serve --help=all`, `--regions` the regions this botocore knows.
The output is deterministic: sorted, one fact per line, no clock. Nothing here uses the network.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from cdk_vllm.errors import InputError
from cdk_vllm.sizing import shape_from_config

CATALOG = Path(__file__).resolve().parent.parent / "src/cdk_vllm/catalog"

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

# What a reconstructed config lacks, from the model's card; and one that lacks too much.
SUPPLEMENTS = {"meta-llama/Llama-2-": {"max_position_embeddings": 4096}}
INCOMPLETE = {"microsoft/Phi-4-mini-instruct": "its rope scaling and partial rotary are missing"}

# What the help text cannot tell: optional numbers whose default is None or looks like an integer.
INTEGERS = (
    "api_server_count block_size cp_kv_cache_interleave_size cpu_distributed_timeout_seconds "
    "data_parallel_rank data_parallel_rpc_port data_parallel_size_local data_parallel_start_rank "
    "distributed_timeout_seconds elastic_ep_max_dp_size grpc_port kv_cache_memory_bytes "
    "mamba_block_size max_cpu_loras max_cudagraph_capture_size max_log_len max_lora_cls_labels "
    "max_num_active_seqs max_num_queued_reqs max_num_seqs max_parallel_loading_workers "
    "num_gpu_blocks_override prefix_match_unit spec_tokens"
)
FLOATS = (
    "cpu_offload_gb kv_offloading_size mm_ipc_gpu_memory_gb mm_processor_cache_gb "
    "sse_keep_alive_interval video_pruning_rate watermark"
)


def toml_value(value: Any) -> str:
    """Render a string, number, boolean, list or table as one line of TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    items = ", ".join(f"{toml_key(key)} = {toml_value(item)}" for key, item in value.items())
    return "{ " + items + " }"


def toml_key(key: str) -> str:
    """Render a TOML key, quoted where it is not bare."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def toml_file(comment: str, head: dict[str, Any], tables: dict[str, dict[str, Any]]) -> str:
    """Render a whole file: a comment, the head's keys, then each table with one row per line."""
    lines = [f"# {line}" for line in comment.splitlines()]
    lines += [f"{toml_key(key)} = {toml_value(value)}" for key, value in head.items()]
    for name, rows in tables.items():
        lines += ["", f"[{'.'.join(toml_key(part) for part in name.split('/'))}]"]
        lines += [f"{toml_key(key)} = {toml_value(rows[key])}" for key in sorted(rows, key=natural)]
    return "\n".join(lines) + "\n"


def natural(key: str) -> list[tuple[int, int, str]]:
    """Sort `g5.2xlarge` before `g5.12xlarge`, and `g5.xlarge` before both."""
    key = re.sub(r"(?<=\.)xlarge", "1xlarge", key)
    parts = re.split(r"(\d+)", key)
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts]


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
    return toml_file(
        "US dollars an hour on demand. A region that is absent here has no known price.\n"
        "sagemaker_ratio estimates an unlisted SageMaker price from EC2's: it holds to three\n"
        "digits on all 32 listed pairs of g4dn, g5, g6, g6e, g7e, p4d and p5; the other families\n"
        "are by analogy. `xlarge` is the ratio of the size of that name, `other` the rest's.",
        {
            "reference_region": "us-east-1",
            "hours_per_month": 730,
            "ec2_as_of": "2026-07-20",
            "ec2_source": next(r["od_source"] for r in nvidia if r["od_source"]),
            "sagemaker_as_of": "2026-08-17",
            "sagemaker_source": "public copies of the AWS Price List of 2026-06-19 to 2026-08-17",
        },
        {
            "ec2/us-east-1": ec2,
            "sagemaker/us-east-1": sagemaker,
            "sagemaker_ratio": {
                **{f: {"xlarge": 1.4, "other": 1.25} for f in ("g4dn", "g5", "g6", "g6e", "g7e")},
                **{f: {"other": 1.15} for f in ("p4d", "p4de", "p5", "p5en", "p6-b200")},
            },
        },
    )


def models_file(folder: Path) -> str:
    """Return models.toml: the shape of every config whose architecture the rules cover."""
    models: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            name, facts = model_row(path)
        except InputError as error:
            print(f"left out {path.stem}: {error}", file=sys.stderr)
        else:
            models[name] = facts
    return toml_file(
        "Decoders' shapes under the names of Hugging Face's config.json; what is absent is\n"
        "ModelShape's default. The source `config.json` is a copy of the model's own file; any\n"
        "other is named, and carries the numbers that decide memory only.",
        {"as_of": "2026-08-21"},
        {"models": models},
    )


def model_row(path: Path) -> tuple[str, dict[str, Any]]:
    """Return a model's name and facts from `ORG__NAME.json`; `InputError` where it is left out."""
    name = path.stem.replace("__", "/", 1).replace("meta-llama/Meta-Llama-", "meta-llama/Llama-")
    if path.with_suffix(".hf_quant_config.json").exists() or name.endswith(".hf_quant_config"):
        raise InputError("It is a quantized checkpoint.")
    if name in INCOMPLETE:
        raise InputError(f"The file is incomplete: {INCOMPLETE[name]}.")
    config = json.loads(path.read_text(encoding="utf-8"))
    for prefix, missing in SUPPLEMENTS.items():
        config |= missing if name.startswith(prefix) else {}
    shape = shape_from_config(config)
    defaults = {field.name: field.default for field in fields(shape)}
    facts = {key: value for key, value in vars(shape).items() if value != defaults[key]}
    return name, facts | {"source": model_source(config)}


def model_source(config: dict[str, Any]) -> str:
    """Say whether a config is the model's own file, and what it was put together from if not."""
    origin = config.get("_reconstructed_from")
    if origin is None:
        return "config.json"
    return "litgpt 0.5.13 and the model card" if "litgpt" in origin else "the model card"


def engine_options_file(text: str) -> str:
    """Return engine_options.toml from the text of `vllm serve --help=all`."""
    options = dict(filter(None, (option_row(entry) for entry in help_entries(text))))
    return toml_file(
        "Every option of `vllm serve`, under its name with underscores. `negative` is the flag\n"
        "that switches it off, `many` takes several words. Which ones a service may set is\n"
        "decided by engine_policy.toml, which people write.",
        {"vllm_version": "0.33.0", "source": "vllm serve --help=all of vLLM 0.33.0"},
        {"options": options},
    )


def help_entries(text: str) -> list[str]:
    """Split argparse's help into one string per option: its header, two spaces, its words."""
    entries: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("  -"):
            header, _, words = line.strip().partition("  ")
            entries.append([header, words.strip()])
        elif entries and line.startswith(" " * 20):
            entries[-1].append(line.strip())
    return [entry[0] + "  " + " ".join(filter(None, entry[1:])) for entry in entries]


def option_row(entry: str) -> tuple[str, dict[str, Any]] | None:
    """Return an option's name and facts; `None` for --help."""
    header, _, words = entry.partition("  ")
    flags = re.findall(r"(?:^|, )(-[\w-]+)", header)
    flag = next(f for f in flags if f.startswith("--") or f == "-h")
    if "-h" in flags:
        return None
    name = flag.removeprefix("--").replace("-", "_")
    row: dict[str, Any] = {"flag": flag, "kind": option_kind(name, header, words)}
    others = [f for f in flags if f != flag]
    if row["kind"] == "flag":
        negatives = [f for f in others if is_negative(flag, f)]
        others = [f for f in others if f not in negatives]
        row |= {"negative": negatives[0]} if negatives else {}
    if choices := option_choices(header):
        row["choices"] = choices
    if "..." in header:
        row["many"] = True
    return name, row | ({"aliases": others} if others else {})


def is_negative(flag: str, other: str) -> bool:
    """Whether `other` is what switches `flag` off: --x / --no-x, or --enable-x / --disable-x."""
    stem = re.sub(r"^--(enable|disable)-", "", flag)
    return other in (f"--no-{flag[2:]}", f"--disable-{stem}", f"--enable-{stem}")


def option_choices(header: str) -> list[str]:
    """Return the values that argparse allows, or an empty list."""
    if braces := re.search(r"\{([^}]*)\}", header):
        return braces.group(1).split(",")
    if brackets := re.search(r"\[('[^]]*)\]", header):
        return re.findall(r"'([^']*)'", brackets.group(1))
    return []


def option_kind(name: str, header: str, words: str) -> str:
    """Return flag, choices, json, int, float or str, from what the help shows of an option."""
    value = re.sub(r"--?[\w-]+,? ?", "", header).strip()
    default = re.search(r"\(default: (.*)\)", words)
    if not value:
        return "flag"
    if option_choices(header):
        return "choices"
    if "JSON" in words and ("valid JSON" in words or name.endswith(("_config", "_map"))):
        return "json"
    return number_kind(name, words, default.group(1) if default else "")


def number_kind(name: str, words: str, default: str) -> str:
    """Return int, float or str by what the default looks like, or by name where it says nothing."""
    if name in FLOATS.split() or re.fullmatch(r"-?\d+\.\d+", default):
        return "float"
    if (
        name in INTEGERS.split()
        or "human-readable integers" in words
        or re.fullmatch(r"-?\d+", default)
    ):
        return "int"
    return "str"


def regions_file() -> str:
    """Return regions.toml: every region of every partition that the installed botocore knows."""
    import botocore.session  # noqa: PLC0415 - loads slowly, and only this file needs it

    session = botocore.session.get_session()
    partitions = session.get_available_partitions()
    rows = {p: sorted(session.get_available_regions("ec2", partition_name=p)) for p in partitions}
    version = botocore.__version__
    return toml_file(
        "AWS regions by partition.",
        {"source": f"botocore {version}, the regions of EC2"},
        {"regions": rows},
    )


def main(arguments: list[str] | None = None) -> int:
    """Write the files that the arguments feed into `--output`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--instances", type=Path, metavar="CSV")
    parser.add_argument("--hf-configs", type=Path, metavar="DIR")
    parser.add_argument("--vllm-help", type=Path, metavar="FILE")
    parser.add_argument("--regions", action="store_true")
    parser.add_argument("--output", type=Path, default=CATALOG, metavar="DIR")
    given = parser.parse_args(arguments)
    files: dict[str, str] = {}
    if given.instances:
        lines = given.instances.read_text("utf-8").splitlines()
        files |= instance_files(list(csv.DictReader(lines)))
    if given.hf_configs:
        files["models.toml"] = models_file(given.hf_configs)
    if given.vllm_help:
        files["engine_options.toml"] = engine_options_file(given.vllm_help.read_text("utf-8"))
    if given.regions:
        files["regions.toml"] = regions_file()
    for name, text in files.items():
        (given.output / name).write_text(text, encoding="utf-8")
        print(f"wrote {given.output / name}")
    return 0 if files else parser.error("give at least one input")


if __name__ == "__main__":
    raise SystemExit(main())
