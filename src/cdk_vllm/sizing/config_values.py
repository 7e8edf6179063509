"""Read a `config.json` key by key; a wrong value ends in one sentence that names the key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Far above every published model; larger values are typing mistakes, or overflow later sums.
LARGEST = 100_000_000
MOST_LAYERS = 1_000


@dataclass(frozen=True)
class Config:
    """A `config.json`, or a table inside one; `path` is where the table stands in the file."""

    values: Mapping[str, Any]
    path: str = ""

    def get(self, *names: str) -> Any:
        """Return the first of the keys that is there and not null, else `None`."""
        found = (self.values[name] for name in names if self.values.get(name) is not None)
        return next(found, None)

    def integer(self, *names: str, default: int | None = None, least: int = 1) -> int:
        """Return a whole number from `least` to 100 million; raises `InputError`."""
        value = self.get(*names)
        if value is None:
            value = default
        if type(value) is not int or not least <= value <= LARGEST:
            article = "a positive whole number" if least == 1 else f"a whole number from {least} on"
            raise InputError(
                f"config.json's {self.path}{names[0]} must be {article}, not {value!r}."
            )
        return value

    def optional(self, *names: str) -> int | None:
        """Return a positive whole number where one of the keys is there; raises `InputError`."""
        return None if self.get(*names) is None else self.integer(*names)

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a true or false key; raises `InputError` for anything else."""
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise InputError(
                f"config.json's {self.path}{name} must be true or false, not {value!r}."
            )
        return value

    def number(self, name: str, default: float) -> float:
        """Return a positive number; raises `InputError`."""
        value = self.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
            raise InputError(
                f"config.json's {self.path}{name} must be a positive number, not {value!r}."
            )
        return float(value)

    def table(self, *names: str) -> Config | None:
        """Return a table inside this one, or `None`; raises `InputError` for anything else."""
        value = self.get(*names)
        if value is None:
            return None
        name = next(name for name in names if self.values.get(name) is not None)
        if not isinstance(value, dict):
            raise InputError(f"config.json's {self.path}{name} must be a table, not {value!r}.")
        return Config(value, f"{self.path}{name}.")

    def items(self, name: str, length: int | None = None) -> list[Any] | None:
        """Return a list, of `length` where that is known, or `None`; raises `InputError`."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, list | str) or (length is not None and len(value) != length):
            entries = "a list" if length is None else f"a list of {length} entries"
            raise InputError(
                f"config.json's {self.path}{name} must be {entries}, not {value!r:.80}."
            )
        return list(value)

    def layers(self) -> int:
        """Return the number of layers, at most a thousand."""
        count = self.integer("num_hidden_layers", "n_layer", "num_layers")
        if count > MOST_LAYERS:
            raise InputError(
                f"config.json's {self.path}num_hidden_layers is {count}; at most {MOST_LAYERS}."
            )
        return count
