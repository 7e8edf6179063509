"""Regenerate the catalogue's TOML from given files; its maintainers review the difference.

Each argument rewrites the files it feeds: `--instances` a CSV of instance types with their GPUs and
prices, `--hf-configs` a folder of `ORG__NAME.json` copies of Hugging Face's `config.json`,
`--vllm-help` the text of `vllm serve --help=all`, `--regions` the regions this botocore knows.
`--aws REGION` asks AWS itself for instance types and prices, with the maintainer's credentials;
`--price-list FILE --region REGION` reads one of AWS's price list files without any. Both need
`--as-of`, the day to write beside the prices. The output is deterministic: sorted, one fact a line,
no clock; only `--aws` uses the network, and the library never does.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

from cdk_vllm.errors import InputError
from cdk_vllm.sizing import shape_from_config
from tools.catalog_aws import refresh, refresh_from_file
from tools.catalog_instances import instance_files
from tools.catalog_toml import CATALOG, toml_file

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
    "video_pruning_rate watermark"
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


def day(text: str) -> str:
    """Return a day as it is written in the catalogue; argparse reports the error."""
    return date.fromisoformat(text).isoformat()


def files_from(given: argparse.Namespace) -> dict[str, str]:
    """Return the files that given files and botocore feed."""
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
    return files


def prices_from(given: argparse.Namespace, parser: argparse.ArgumentParser) -> dict[str, str]:
    """Return the files that AWS feeds, or one of its price lists."""
    if not (given.aws or given.price_list):
        return {}
    if not given.as_of:
        parser.error("--aws and --price-list need --as-of")
    if given.price_list and not given.region:
        parser.error("--price-list needs --region")
    if given.price_list:
        return refresh_from_file(given.output, given.price_list, given.region, given.as_of)
    import boto3  # noqa: PLC0415 - only a refresh from AWS needs it

    return refresh(given.output, given.aws, given.as_of, boto3.Session())


def main(arguments: list[str] | None = None) -> int:
    """Write the files that the arguments feed into `--output`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--instances", type=Path, metavar="CSV")
    parser.add_argument("--hf-configs", type=Path, metavar="DIR")
    parser.add_argument("--vllm-help", type=Path, metavar="FILE")
    parser.add_argument("--regions", action="store_true")
    parser.add_argument("--aws", metavar="REGION")
    parser.add_argument("--price-list", type=Path, metavar="FILE")
    parser.add_argument("--region", metavar="REGION")
    parser.add_argument("--as-of", type=day, metavar="YYYY-MM-DD")
    parser.add_argument("--output", type=Path, default=CATALOG, metavar="DIR")
    given = parser.parse_args(arguments)
    files = files_from(given) | prices_from(given, parser)
    for name, text in files.items():
        (given.output / name).write_text(text, encoding="utf-8")
        print(f"wrote {given.output / name}")
    return 0 if files else parser.error("give at least one input")


if __name__ == "__main__":
    raise SystemExit(main())
