"""Which of a model's modules are quantized, and how: `quantization_config` read as vLLM reads it.

Source: vLLM 0.33.0's layers/quantization: fp8.py, modelopt.py, auto_awq.py, auto_gptq.py, mxfp4.py,
fbgemm_fp8.py and compressed_tensors, with each one's own way to match names of excluded modules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal

from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["fp8", "int8", "int", "nvfp4", "mxfp4", "mxfp8", "nf4"]
Scale = Literal["tensor", "channel", "block", "group"]

LAYER = re.compile(r"layers\.(\d+)\.")
WILDCARDS = frozenset("*?[")
METHODS = "awq, compressed-tensors, fbgemm_fp8, fp8, gptq, modelopt (FP8, NVFP4, MXFP8) and mxfp4"


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """How one module's weights are stored: `bits` each, with scales over `group` of them."""

    kind: Kind
    bits: int
    scale: Scale
    group: int = 0
    zero_points: bool = False
    static_inputs: bool = False
    stored_zero_points: bool = False
    stored_order: bool = False


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """A checkpoint's quantization: a scheme for all linear modules, less those it excludes.

    `layers` names the scheme of single modules, where a checkpoint mixes them; then `scheme` is
    `None` and a module that is not named stays in 16 bits. `kv_cache_fp8` is the checkpoint's wish.
    """

    method: str
    scheme: Scheme | None
    exclude: tuple[str, ...] = ()
    matching: Literal["exact", "part", "regex"] = "exact"
    layers: Mapping[str, Scheme] = field(default_factory=dict, hash=False)
    kv_cache_fp8: bool = False
    experts_only: bool = False

    def scheme_of(self, name: str, parts: tuple[str, ...] = ()) -> Scheme | None:
        """Return a module's scheme, or `None` where it stays in 16 bits."""
        if name not in self._known:
            self._known[name] = self._scheme_of(name, parts)
        return self._known[name]

    @cached_property
    def _known(self) -> dict[str, Scheme | None]:
        """The schemes looked up before; each rank asks for the same modules."""
        return {}

    def _scheme_of(self, name: str, parts: tuple[str, ...]) -> Scheme | None:
        stem, _, last = name.rpartition(".")
        names = tuple(_bare(f"{stem}.{part}") for part in parts or (last,))
        if self.layers:
            return self._named(names)
        excluded = self._excludes(_bare(name)) or all(self._excludes(each) for each in names)
        return None if excluded or self.experts_only else self.scheme

    def scheme_of_experts(self, name: str) -> Scheme | None:
        """Return the scheme of a layer's routed experts."""
        bare = _bare(name)
        if self.layers:
            return self._named((bare,)) or self._named((f"{bare}.0.down_proj",))
        members = (bare, f"{bare}.0.gate_proj", f"{bare}.0.down_proj")
        return None if any(self._excludes(each) for each in members) else self.scheme

    def scheme_of_head(self) -> Scheme | None:
        """Return the output projection's scheme; ModelOpt quantizes it unless it is excluded."""
        if self.method != "modelopt" or self._excludes("lm_head"):
            return None
        return self.layers.get("lm_head") if self.layers else self.scheme

    def _named(self, names: tuple[str, ...]) -> Scheme | None:
        found = [self.layers.get(each) for each in names]
        return found[0] if found and all(found) else None

    def _excludes(self, name: str) -> bool:
        patterns = self._by_layer.get("", ()) + self._by_layer.get(_layer_of(name), ())
        return any(_matches(name, pattern, self.matching) for pattern in patterns)

    @cached_property
    def _by_layer(self) -> dict[str, tuple[str, ...]]:
        """The excluded patterns by the layer they name, under "" where they name none."""
        found: dict[str, tuple[str, ...]] = {}
        for pattern in self.exclude:
            plain = pattern.startswith("re:") or "*" in pattern[: pattern.find("layers.") + 1]
            layer = "" if plain else _layer_of(pattern)
            found[layer] = (*found.get(layer, ()), pattern)
        return found


def _layer_of(name: str) -> str:
    """Return the number of the layer a name is in, or "" where it is in none."""
    found = LAYER.search(name)
    return found[1] if found else ""


@cache
def _bare(name: str) -> str:
    """Return a module's name without the prefixes that differ between a checkpoint and vLLM."""
    while True:
        for prefix in ("model.", "language_model.", "backbone."):
            if name.startswith(prefix):
                name = name.removeprefix(prefix)
                break
        else:
            return name


@cache
def _matches(name: str, pattern: str, matching: str) -> bool:
    if pattern.startswith("re:"):
        try:
            expression = re.compile(pattern[3:])
        except re.error:
            return False
        return bool(expression.match(name) or expression.match(f"model.{name}"))
    pattern = _bare(pattern)
    if matching == "part":
        # vLLM turns "a.b*" into "a.b" and "a.b.*", and looks for the plain ones anywhere.
        stem = pattern if pattern.endswith(".*") else pattern.removesuffix("*")
        if stem and "*" not in stem and stem in name:
            return True
    if "*" in pattern:
        return _matches_wildcards(name, pattern)
    return name == pattern or (matching == "exact" and pattern.startswith(f"{name}."))


def _matches_wildcards(name: str, pattern: str) -> bool:
    stem = pattern.removesuffix("*")
    if WILDCARDS.isdisjoint(stem):
        # ModelOpt lists hundreds of these, and each would be an expression to compile.
        return name.startswith(stem)
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")


def quantization_of(table: Mapping[str, Any] | None) -> Quantization | None:
    """Read a `quantization_config`, in ModelOpt's form too; raises `InputError` if unknown."""
    if not table:
        return None
    method = str(table.get("quant_method") or "").lower()
    inner = table.get("quantization")
    if isinstance(inner, dict):  # hf_quant_config.json
        return _modelopt(inner)
    if method.startswith("modelopt") or (table.get("quant_algo") and method != "fp8"):
        return _modelopt(table)
    reader = READERS.get(method.replace("_", "-"))
    if reader is None:
        raise InputError(
            f"config.json's quantization_config.quant_method is {method!r}; the rules cover "
            f"{METHODS}."
        )
    return reader(table)


def online(method: str) -> Quantization:
    """Return the quantization that vLLM itself applies to 16-bit weights while loading them."""
    schemes: dict[str, Scheme] = {
        "fp8": Scheme(kind="fp8", bits=8, scale="tensor"),
        "bitsandbytes": Scheme(kind="nf4", bits=4, scale="group", group=64),
    }
    return Quantization(method=method, scheme=schemes[method])


def _integer(table: Mapping[str, Any], *names: str, default: int) -> int:
    value = next((table[name] for name in names if table.get(name) is not None), default)
    if type(value) is not int or value == 0 or not -1 <= value <= 4096:
        raise InputError(
            f"config.json's quantization_config.{names[0]} must be a whole number, not {value!r}."
        )
    return value


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(name) for name in value) if isinstance(value, list | tuple) else ()


def _fp8(table: Mapping[str, Any]) -> Quantization:
    block = table.get("weight_block_size")
    static = table.get("activation_scheme") == "static"
    if block is None:
        scheme = Scheme(kind="fp8", bits=8, scale="tensor", static_inputs=static)
    else:
        size = block[0] if isinstance(block, list) and block else block
        if type(size) is not int or not 1 <= size <= 4096:
            raise InputError(
                "config.json's quantization_config.weight_block_size must be two whole numbers, "
                f"not {block!r}."
            )
        scheme = Scheme(kind="fp8", bits=8, scale="block", group=size)
    exclude = _names(table.get("ignored_layers") or table.get("modules_to_not_convert"))
    return Quantization(method="fp8", scheme=scheme, exclude=exclude)


def _fbgemm(table: Mapping[str, Any]) -> Quantization:
    scheme = Scheme(kind="fp8", bits=8, scale="channel")
    exclude = _names(table.get("modules_to_not_convert"))
    return Quantization(method="fbgemm_fp8", scheme=scheme, exclude=exclude)


def _awq(table: Mapping[str, Any]) -> Quantization:
    scheme = Scheme(
        kind="int",
        bits=_integer(table, "bits", "w_bit", default=4),
        scale="group",
        group=_integer(table, "group_size", "q_group_size", default=128),
        zero_points=table.get("zero_point", True) is not False,
        stored_zero_points=True,
    )
    exclude = _names(table.get("modules_to_not_convert"))
    return Quantization(method="awq", scheme=scheme, exclude=exclude, matching="part")


def _gptq(table: Mapping[str, Any]) -> Quantization:
    symmetric = table.get("sym", True) is not False
    scheme = Scheme(
        kind="int",
        bits=_integer(table, "bits", default=4),
        scale="group",
        group=_integer(table, "group_size", default=128),
        zero_points=not symmetric,
        stored_zero_points=True,
        stored_order=True,
    )
    exclude = _names(table.get("modules_in_block_to_not_quantize"))
    layers = {"lm_head": scheme} if table.get("lm_head") is True else {}
    if layers:
        raise InputError(
            "config.json's quantization_config.lm_head is true; the rules cover GPTQ checkpoints "
            "whose output projection is in 16 bits."
        )
    return Quantization(method="gptq", scheme=scheme, exclude=exclude, matching="part")


def _mxfp4(table: Mapping[str, Any]) -> Quantization:
    scheme = Scheme(kind="mxfp4", bits=4, scale="group", group=32)
    exclude = _names(table.get("modules_to_not_convert"))
    return Quantization(method="mxfp4", scheme=scheme, exclude=exclude, experts_only=True)


MODELOPT: dict[str, Scheme] = {
    "FP8": Scheme(kind="fp8", bits=8, scale="tensor", static_inputs=True),
    "FP8_PER_CHANNEL_PER_TOKEN": Scheme(kind="fp8", bits=8, scale="channel"),
    "FP8_PB_WO": Scheme(kind="fp8", bits=8, scale="block", group=128),
    "NVFP4": Scheme(kind="nvfp4", bits=4, scale="group", group=16, static_inputs=True),
    "W4A16_NVFP4": Scheme(kind="nvfp4", bits=4, scale="group", group=16),
    "MXFP8": Scheme(kind="mxfp8", bits=8, scale="group", group=32),
}


def _modelopt(table: Mapping[str, Any]) -> Quantization:
    algorithm = str(table.get("quant_algo") or "").upper()
    wish = table.get("kv_cache_quant_algo") or table.get("kv_cache_scheme")
    layers: dict[str, Scheme] = {}
    scheme = MODELOPT.get(algorithm)
    if algorithm == "MIXED_PRECISION":
        layers = _modelopt_layers(table)
    elif scheme is None:
        raise InputError(
            f"config.json's quantization_config.quant_algo is {algorithm!r}; the rules cover "
            f"{', '.join(sorted(MODELOPT))} and MIXED_PRECISION."
        )
    return Quantization(
        method="modelopt",
        scheme=scheme,
        exclude=_names(table.get("exclude_modules") or table.get("ignore")),
        matching="part",
        layers=layers,
        kv_cache_fp8=_wishes_fp8(wish),
    )


def _modelopt_layers(table: Mapping[str, Any]) -> dict[str, Scheme]:
    """Return the scheme of every named module; experts are named one by one and share one."""
    named = table.get("quantized_layers")
    if not isinstance(named, dict):
        raise InputError(
            "config.json's quantization_config.quantized_layers must name the modules that "
            "MIXED_PRECISION quantizes; copy hf_quant_config.json beside it."
        )
    layers: dict[str, Scheme] = {}
    for name, entry in named.items():
        algorithm = str(entry.get("quant_algo") if isinstance(entry, dict) else entry).upper()
        if algorithm not in MODELOPT:
            raise InputError(
                f"config.json's quantization_config quantizes {name} as {algorithm!r}, which the "
                "rules do not cover."
            )
        bare = _bare(str(name))
        experts = re.fullmatch(r"(.*\.experts)(\.\d+\..*)?", bare)
        layers[experts[1] if experts else bare] = MODELOPT[algorithm]
    return layers


def _wishes_fp8(wish: object) -> bool:
    if isinstance(wish, dict):
        return wish.get("num_bits") == 8 and wish.get("type") == "float"
    return str(wish or "").upper() == "FP8"


def _compressed(table: Mapping[str, Any]) -> Quantization:
    groups = table.get("config_groups")
    if not isinstance(groups, dict) or not groups:
        raise InputError("config.json's quantization_config lacks config_groups.")
    entries = list(groups.values())
    schemes = {_compressed_scheme(entry, table) for entry in entries if isinstance(entry, dict)}
    if len(schemes) != 1:
        raise InputError(
            "config.json's quantization_config.config_groups mix weight formats; the rules cover "
            "one format for all quantized modules."
        )
    return Quantization(
        method="compressed-tensors",
        scheme=schemes.pop(),
        exclude=_names(table.get("ignore")),
        kv_cache_fp8=_wishes_fp8(table.get("kv_cache_scheme")),
    )


def _compressed_scheme(entry: Mapping[str, Any], table: Mapping[str, Any]) -> Scheme:
    weights = entry.get("weights")
    if not isinstance(weights, dict):
        raise InputError("config.json's quantization_config.config_groups lack weights.")
    inputs = entry.get("input_activations")
    bits = _integer(weights, "num_bits", default=8)
    static = isinstance(inputs, dict) and inputs.get("dynamic") is False
    if weights.get("type") == "float":
        return _compressed_float(weights, bits, static=static)
    packed = "pack" in str(entry.get("format") or table.get("format") or "")
    if bits == 8 and isinstance(inputs, dict) and not packed:
        return Scheme(kind="int8", bits=8, scale="channel")
    group = _integer(weights, "group_size", default=-1)
    return Scheme(
        kind="int",
        bits=bits,
        scale="group" if group > 0 else "channel",
        group=group,
        zero_points=weights.get("symmetric") is False,
        stored_zero_points=weights.get("symmetric") is False,
    )


def _compressed_float(weights: Mapping[str, Any], bits: int, *, static: bool) -> Scheme:
    if bits == 4:
        group = _integer(weights, "group_size", default=16)
        kind: Kind = "nvfp4" if group == 16 else "mxfp4"
        return Scheme(kind=kind, bits=4, scale="group", group=group, static_inputs=static)
    strategy = str(weights.get("strategy") or "tensor")
    if strategy == "block":
        block = weights.get("block_structure")
        size = block[0] if isinstance(block, list) and block else 128
        return Scheme(kind="fp8", bits=8, scale="block", group=int(size))
    scale: Scale = "channel" if strategy == "channel" else "tensor"
    return Scheme(kind="fp8", bits=8, scale=scale, static_inputs=static)


READERS = {
    "fp8": _fp8,
    "fbgemm-fp8": _fbgemm,
    "awq": _awq,
    "gptq": _gptq,
    "awq-marlin": _awq,
    "gptq-marlin": _gptq,
    "mxfp4": _mxfp4,
    "gpt-oss-mxfp4": _mxfp4,
    "compressed-tensors": _compressed,
}
