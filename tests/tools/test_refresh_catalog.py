"""The maintainers' tool: what it reads, and that what it writes is stable."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm import catalog
from tools import refresh_catalog
from tools.catalog_toml import CATALOG, natural, toml_key, toml_value

if TYPE_CHECKING:
    from pathlib import Path

CSV = """\
instance_type,family,accelerator,accelerator_count,fractional_gpu,gpu_mem_gib_seen_by_torch,\
compute_capability,mem_bw_gb_s,fp16_dense_tflops,bf16_native,fp8_native,fp4_native,\
gpu_interconnect,vcpu,cpu_arch,ram_mib,network_mbps,local_nvme_gb,od_usd_h_us_east_1,od_source,\
sagemaker_name,sagemaker_usd_h,instance_source
g6.12xlarge,g6,NVIDIA L4,4,,22.06,8.9,300,121,yes,yes,no,PCIe only,48,x86_64,196608,40000,3760,\
4.6016,list of 2026-07-20,ml.g6.12xlarge,5.752,docs
g6.2xlarge,g6,NVIDIA L4,1,,22.06,8.9,300,121,yes,yes,no,none (1 GPU),8,x86_64,32768,5000,450,\
0.9776,list of 2026-07-20,ml.g6.2xlarge,,docs
g6.xlarge,g6,NVIDIA L4,1,,22.06,8.9,300,121,yes,yes,no,none (1 GPU),4,x86_64,16384,2500,250,\
0.8048,list of 2026-07-20,ml.g6.xlarge,1.1267,docs
g6f.xlarge,g6f,NVIDIA L4,,1,,8.9,,,yes,yes,no,,4,x86_64,16384,2500,100,0.2375,list of 2026-07-20,\
,,docs
inf2.xlarge,inf2,inferentia2,1,,,,,,,,,NeuronLink,4,x86_64,16384,2083,,0.7582,list,ml.inf2.xlarge,\
,docs
"""

HELP = """\
options:
  -h, --help            show this help message and exit
  --enforce-eager, --no-enforce-eager
                        Whether to always use eager-mode. (default: False)
  --enable-prefix-caching, --disable-prefix-caching
                        Whether to enable prefix caching. (default: True)
  --gpu-memory-utilization GPU_MEMORY_UTILIZATION, --device-memory-utilization X
                        The fraction of GPU memory. (default: 0.92)
  --max-num-seqs MAX_NUM_SEQS
                        Maximum number of sequences. (default: None)
  --dtype {auto,bfloat16}
                        Data type. (default: auto)
  --kernel-config KERNEL_CONFIG
                        Should either be a valid JSON string or keys. (default: None)
  --lora-modules LORA_MODULES [LORA_MODULES ...]
                        Adapters. (default: None)
  --chat-template CHAT_TEMPLATE
                        The file path. (default: None)
"""

PRICE_LIST: dict[str, Any] = {
    "products": {
        "A": {
            "attributes": {
                "instanceType": "g6.xlarge",
                "operatingSystem": "Linux",
                "tenancy": "Shared",
                "preInstalledSw": "NA",
                "capacitystatus": "Used",
            }
        },
    },
    "terms": {
        "OnDemand": {
            "A": {
                "A.1": {"priceDimensions": {"d": {"unit": "Hrs", "pricePerUnit": {"USD": "0.9"}}}}
            }
        }
    },
}

CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "max_position_embeddings": 4096,
    "num_attention_heads": 32,
    "num_hidden_layers": 16,
    "num_key_value_heads": 8,
    "torch_dtype": "bfloat16",
    "tie_word_embeddings": True,
    "vocab_size": 128256,
}


def run(folder: Path, *arguments: str) -> dict[str, str]:
    assert refresh_catalog.main([*arguments, "--output", str(folder)]) == 0
    return {path.name: path.read_text("utf-8") for path in folder.glob("*.toml")}


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    path = tmp_path / "instances.csv"
    path.write_text(CSV, "utf-8")
    return path


def test_instances_gpus_and_prices(tmp_path: Path, csv_file: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    written = run(out, "--instances", str(csv_file))
    assert set(written) == {"gpus.toml", "instances.toml", "prices.toml"}
    instances = tomllib.loads(written["instances.toml"])["instances"]
    assert list(instances) == ["g6.xlarge", "g6.2xlarge", "g6.12xlarge", "g6f.xlarge"]
    assert instances["g6.12xlarge"]["gpus"] == 4
    assert "fraction" in instances["g6f.xlarge"]["unsupported"]
    prices = tomllib.loads(written["prices.toml"])
    assert prices["ec2"]["us-east-1"]["g6.xlarge"] == 0.8048
    assert list(prices["sagemaker"]["us-east-1"]) == ["ml.g6.xlarge", "ml.g6.12xlarge"]
    assert run(out, "--instances", str(csv_file)) == written


def test_the_sample_gives_the_lines_that_are_committed(tmp_path: Path, csv_file: Path) -> None:
    written = run(tmp_path, "--instances", str(csv_file))
    committed = (CATALOG / "instances.toml").read_text("utf-8").splitlines()
    for line in written["instances.toml"].splitlines():
        if line.startswith('"g6'):
            assert line in committed


@pytest.mark.parametrize(
    "name", ["gpus.toml", "instances.toml", "models.toml", "engine_options.toml", "regions.toml"]
)
def test_committed_rows_are_in_the_tools_own_format(name: str) -> None:
    text = (CATALOG / name).read_text("utf-8")
    rows = tomllib.loads(text)[name.removesuffix(".toml").replace("engine_", "")]
    lines = [f"{toml_key(key)} = {toml_value(rows[key])}" for key in sorted(rows, key=natural)]
    assert text.endswith("\n".join(lines) + "\n")


def test_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "configs"
    folder.mkdir()
    for name, config in {
        "meta-llama__Meta-Llama-9-1B.json": CONFIG,
        "org__Quantized.json": CONFIG | {"quantization_config": {}, "vision_config": None},
        "org__Fp4.json": CONFIG,
        "org__Fp4.hf_quant_config.json": {},
        "org__Mla.json": CONFIG | {"architectures": ["DeepseekV3ForCausalLM"]},
    }.items():
        (folder / name).write_text(json.dumps(config), "utf-8")
    models = tomllib.loads(run(tmp_path, "--hf-configs", str(folder))["models.toml"])["models"]
    assert set(models) == {"meta-llama/Llama-9-1B", "org/Quantized"}
    row = models["meta-llama/Llama-9-1B"]
    assert (row["head_dim"], row["tie_word_embeddings"], row["source"]) == (64, True, "config.json")
    assert "num_experts" not in row
    assert "left out org__Mla: " in capsys.readouterr().err


def test_engine_options(tmp_path: Path) -> None:
    text = tmp_path / "help.txt"
    text.write_text(HELP, "utf-8")
    written = run(tmp_path, "--vllm-help", str(text))["engine_options.toml"]
    options = tomllib.loads(written)["options"]
    kinds = {name: row["kind"] for name, row in options.items()}
    assert kinds == {
        "chat_template": "str",
        "dtype": "choices",
        "enable_prefix_caching": "flag",
        "enforce_eager": "flag",
        "gpu_memory_utilization": "float",
        "kernel_config": "json",
        "lora_modules": "str",
        "max_num_seqs": "int",
    }
    assert options["enable_prefix_caching"]["negative"] == "--disable-prefix-caching"
    assert options["gpu_memory_utilization"]["aliases"] == ["--device-memory-utilization"]
    assert options["lora_modules"]["many"]
    assert options["dtype"]["choices"] == ["auto", "bfloat16"]


def test_regions_are_this_botocores(tmp_path: Path) -> None:
    written = tomllib.loads(run(tmp_path, "--regions")["regions.toml"])["regions"]
    known = {name for names in written.values() for name in names}
    assert catalog.regions() <= known


def test_a_price_list_file_replaces_one_regions_prices(tmp_path: Path) -> None:
    for name in ("instances.toml", "prices.toml"):
        (tmp_path / name).write_text((CATALOG / name).read_text("utf-8"), "utf-8")
    offer = tmp_path / "index.json"
    offer.write_text(json.dumps(PRICE_LIST), "utf-8")
    arguments = ("--price-list", str(offer), "--region", "eu-west-1", "--as-of", "2026-11-01")
    prices = tomllib.loads(run(tmp_path, *arguments)["prices.toml"])
    before = tomllib.loads((CATALOG / "prices.toml").read_text("utf-8"))
    assert prices["ec2"]["eu-west-1"] == {"g6.xlarge": 0.9}
    assert prices["as_of"]["ec2"]["eu-west-1"] == "2026-11-01"
    assert prices["ec2"]["us-east-1"] == before["ec2"]["us-east-1"]
    assert prices["sagemaker_ratio"] == before["sagemaker_ratio"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--aws", "us-east-1"),
        ("--price-list", "x.json", "--as-of", "2026-11-01"),
        ("--aws", "us-east-1", "--as-of", "yesterday"),
    ],
)
def test_incomplete_arguments_are_an_error(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit):
        refresh_catalog.main([*arguments, "--output", str(tmp_path)])
