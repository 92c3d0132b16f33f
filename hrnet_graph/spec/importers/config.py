"""A foreign config as data, which remembers what was read of it and what had to be assumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hrnet_graph.errors import FileError, quoted


@dataclass(frozen=True)
class Imported:
    """A spec as plain data, what of the config was not used, and what had to be assumed."""

    spec: dict[str, Any]
    ignored: tuple[str, ...]
    assumed: tuple[str, ...] = ()


class Config:
    """Nested mappings read by dotted key; what was no data in the file is absent.

    `assumed` takes down what a reader of the config had to assume.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._read: set[str] = set()
        self.assumed: list[str] = []

    def get(self, key: str, default: Any = None) -> Any:
        """The value at a dotted key, or the default."""
        self._read.add(key)
        found: Any = self._data
        for part in key.split("."):
            if not isinstance(found, Mapping) or part not in found:
                return default
            found = found[part]
        return found

    def integer(self, key: str, default: int | None = None) -> int:
        """The whole number at a dotted key. Raises `FileError` if there is none."""
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise FileError(f"{key}: expected a whole number, got {quoted(value)}")
        return value

    def integers(self, key: str) -> list[int]:
        """The whole numbers in the list at a dotted key; a number alone is a list of one."""
        value = self.get(key)
        row = list(value) if isinstance(value, list | tuple) else [value]
        if not row or any(isinstance(n, bool) or not isinstance(n, int) for n in row):
            raise FileError(f"{key}: expected a list of whole numbers, got {quoted(value)}")
        return row

    def image(self, key: str) -> list[int]:
        """The image as (3, height, width), from its width and height at a dotted key."""
        width, height = (self.integers(key) * 2)[:2]
        return [3, height, width]

    def imported(self, spec: dict[str, Any]) -> Imported:
        """The spec that the config was read as."""
        return Imported(spec, tuple(self._unread(self._data, "")), tuple(self.assumed))

    def _unread(self, data: Mapping[str, Any], prefix: str) -> Iterator[str]:
        """The keys that were never read, whole sections by their own key."""
        for name, value in data.items():
            key = f"{prefix}{name}"
            inside = isinstance(value, Mapping)
            if inside and any(read.startswith(f"{key}.") for read in self._read):
                yield from self._unread(value, f"{key}.")
            elif key not in self._read:
                yield key


BLOCKS = {"BASIC": "basic", "BOTTLENECK": "bottleneck"}

BILINEAR = {"kind": "sum", "upsample": "bilinear", "align_corners": False}
NORMAL = {"conv": "normal", "std": 0.001}


def read_stage(
    config: Config, key: str, branches: int | None, case: Callable[[str], str]
) -> dict[str, Any]:
    """A stage from the section at `key`, whose names are in this case, as spec data."""
    block_key, blocks_key, branches_key = (
        f"{key}.{case(name)}" for name in ("block", "num_blocks", "num_branches")
    )
    channels = config.integers(f"{key}.{case('num_channels')}")
    blocks = config.integers(blocks_key)
    block = config.get(block_key)
    if not isinstance(block, str) or block.upper() not in BLOCKS:
        raise FileError(f"{block_key}: expected one of {', '.join(BLOCKS)}, got {quoted(block)}")
    for place, count in ((blocks_key, len(blocks)), (branches_key, branches)):
        if count not in (None, len(channels)):
            expected = f"expected {len(channels)}, as many as the list beside it"
            raise FileError(f"{place}: {expected}, got {quoted(count)}")
    return {
        "block": BLOCKS[block.upper()],
        "branches": len(channels),
        "modules": config.integer(f"{key}.{case('num_modules')}", 1),
        "blocks": blocks[0] if len(set(blocks)) == 1 else blocks,
        "channels": channels,
    }
