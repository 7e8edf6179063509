"""Whether an adapter fits its base: tensors, ranks and modules, read from the file's header."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import InputError, nearest
from cdk_vllm.model_store.adapter_config import CONFIG_NAME, AdapterConfig, read_config
from cdk_vllm.model_store.adapter_modules import base_modules, short_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cdk_vllm.model_store.adapter_modules import Sizes
    from cdk_vllm.sizing import ModelShape

WEIGHTS_NAME = "adapter_model.safetensors"
REGISTRATION_NAME = "registered.json"
_PICKLES = ("adapter_model.bin", "adapter_model.pt")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_LARGEST_HEADER_BYTES = 100_000_000
# Source: vLLM 0.33.0's lora/utils.py (`parse_fine_tuned_lora_name`).
_TENSOR = re.compile(r"(?:base_model\.model\.)?(.+)\.lora_(embedding_)?([AB])(?:\.weight)?")
_SAVED_TENSOR = re.compile(r".*\.(score|classifier)\.(weight|bias)|.*\.base_layer\.weight")


@dataclass(frozen=True)
class Adapter:
    """An adapter that its base can load: its two files, its largest rank, its tensors' number."""

    config: AdapterConfig
    files: tuple[Path, ...]
    tensors: int

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits that its content decides: the same files, the same version."""
        pairs = sorted((path.name, _sha256(path)) for path in self.files)
        return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:12]


def check_name(name: str) -> None:
    """Raise `InputError` for a name that cannot be an adapter's: it becomes a key and a model."""
    if not _NAME.fullmatch(name) or ".." in name:
        raise InputError(
            f'an adapter cannot be called "{name}"; allowed: up to 63 lower-case letters, digits, '
            '".", "_" and "-", beginning with a letter or digit, without ".."'
        )


def read_adapter(directory: Path, base: ModelShape, max_lora_rank: int | None) -> Adapter:
    """Check an adapter against its base; `max_lora_rank` is what the plan reserves, if anything.

    Only the header of the weights is read. Raises `InputError` for the first fault.
    """
    if not directory.is_dir():
        raise InputError(f"{directory} is not a directory; give the folder that PEFT wrote")
    config = read_config(directory / CONFIG_NAME)
    _check_reserved(directory, config, max_lora_rank)
    weights = directory / WEIGHTS_NAME
    if not weights.is_file():
        raise _no_weights(directory)
    shapes = _header(weights)
    modules = base_modules(base)
    _check_targets(directory, config, modules)
    _check_tensors(weights, shapes, config, modules)
    return Adapter(config, (directory / CONFIG_NAME, weights), len(shapes))


def _check_reserved(directory: Path, config: AdapterConfig, max_lora_rank: int | None) -> None:
    from cdk_vllm.sizing.adapters import RANKS  # noqa: PLC0415 - with the sizing's other rules

    limit = max_lora_rank or RANKS[-1]
    if config.largest_rank <= limit:
        return
    wanted = next((rank for rank in RANKS if rank >= config.largest_rank), None)
    fix = (
        f"set max_lora_rank = {wanted} and plan anew"
        if wanted
        else f"vLLM serves ranks of at most {RANKS[-1]}: train a smaller one"
    )
    raise InputError(
        f"{directory} has rank {config.largest_rank}, above the {limit} that are reserved; {fix}"
    )


def _no_weights(directory: Path) -> InputError:
    for name in _PICKLES:
        if (directory / name).is_file():
            return InputError(
                f"{directory} has {name}, a pickle, which can run code where it is loaded; save "
                "the adapter again with save_pretrained(..., safe_serialization=True)"
            )
    return InputError(f"{directory} has no {WEIGHTS_NAME}; give the folder that PEFT wrote")


def _header(path: Path) -> dict[str, list[int]]:
    """Return the tensors' shapes, from the format's header: eight bytes of length, then JSON."""
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            # A length beyond the file, or beyond reason, leaves nothing that is JSON.
            is_sane = length <= min(size, _LARGEST_HEADER_BYTES)
            header: dict[str, Any] = json.loads(file.read(length) if is_sane else b"")
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        end = max(entry["data_offsets"][1] for entry in tensors.values())
        shapes = {name: [int(n) for n in entry["shape"]] for name, entry in tensors.items()}
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise InputError(f"{path} is not a safetensors file ({error}); save it again") from None
    if 8 + length + end != size:
        raise InputError(
            f"{path} has {size} bytes, and its header describes {8 + length + end}; it was cut off:"
            " save or download it again"
        )
    return shapes


def _check_targets(directory: Path, config: AdapterConfig, modules: Mapping[str, Sizes]) -> None:
    if isinstance(config.target_modules, str):
        return
    known = {name.rpartition(".")[2] for name in modules}
    for target in config.target_modules:
        own = target.rpartition(".")[2]
        if own not in known:
            raise InputError(
                f"{directory}: target_modules has {target}, which the base does not have or vLLM "
                f"takes no adapter for; it has {', '.join(_names(known))}.{nearest(own, known)}"
            )


def _check_tensors(
    path: Path,
    shapes: Mapping[str, list[int]],
    config: AdapterConfig,
    modules: Mapping[str, Sizes],
) -> None:
    halves: dict[str, set[str]] = {}
    for tensor, shape in shapes.items():
        found = _TENSOR.fullmatch(tensor)
        if found is None:
            if _SAVED_TENSOR.fullmatch(tensor):
                continue
            raise InputError(
                f"{path} has the tensor {tensor}, which is not one of a LoRA adapter; merge such "
                "an adapter into its base"
            )
        module, half = found[1], found[3]
        halves.setdefault(module, set()).add(half)
        sizes = _sizes(path, module, modules)
        if not found[2] and len(shape) == 2:
            _check_shape(f"{path}: {tensor}", shape, half, (config.rank_of(module), *sizes))
    for module, present in halves.items():
        if len(present) == 1:
            missing = "B" if "A" in present else "A"
            raise InputError(f"{path} lacks lora_{missing} of {module}; save the adapter again")
    if not halves:
        raise InputError(f"{path} has no LoRA matrices; give an adapter")


def _sizes(path: Path, module: str, modules: Mapping[str, Sizes]) -> Sizes:
    name = short_name(module)
    if name in modules:
        return modules[name]
    raise InputError(
        f"{path} changes {module}, which the base does not have or vLLM takes no adapter for; it "
        f"was trained on another model.{nearest(name, modules)}"
    )


def _check_shape(
    what: str, shape: list[int], half: str, expected: tuple[int, int | None, int | None]
) -> None:
    rank, size_in, size_out = expected
    wanted = [rank, size_in] if half == "A" else [size_out, rank]
    if any(want not in (None, have) for want, have in zip(wanted, shape, strict=True)):
        described = " x ".join("any" if n is None else str(n) for n in wanted)
        raise InputError(
            f"{what} is {shape[0]} x {shape[1]}, and rank {rank} of the base's module is "
            f"{described}; the adapter was trained on another model, or its config is another's"
        )


def _names(known: Iterable[str]) -> list[str]:
    return sorted(name for name in known if not name.isdigit())


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
