"""Paddle's files of weights: pickles of arrays, read without running any code of theirs.

A pickle names functions and calls them. Here the names of an array's parts lead to stand-ins, which
keep what they are called with; every other name is refused.
"""

from __future__ import annotations

import collections
import math
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import torch
from torch import Tensor

from hrnet_graph.compiler.checkpoints.placeholders import Attack
from hrnet_graph.files import KeptErrors, atomic_write

TYPES = {
    "f2": torch.float16, "f4": torch.float32, "f8": torch.float64, "u1": torch.uint8,
    "i1": torch.int8, "i2": torch.int16, "i4": torch.int32, "i8": torch.int64, "b1": torch.bool,
}  # fmt: skip
"""numpy's codes of types -> torch's types."""

PROTOCOL = 4
"""Of the pickles that Paddle writes."""


class _Type:
    """numpy's type of an array: its code, and the order of its bytes."""

    def __init__(self, code: str, *flags: object) -> None:
        self.code, self.order = code, "|"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]


class _Array:
    """An array: its shape, its type, whether its columns stand together, and its bytes."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self.shape, self.type, self.by_columns, self.bytes = state

    @property
    def tensor(self) -> Tensor:
        """Its values. Raises `pickle.UnpicklingError` if its parts are not those of an array."""
        of, shape = self.type, self.shape
        if not (
            isinstance(of, _Type) and of.code in TYPES and of.order in ("<", "|")
            and isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
            and isinstance(self.bytes, bytes)
            and len(self.bytes) == math.prod(shape) * int(of.code[1:])
        ):  # fmt: skip
            raise pickle.UnpicklingError("an array in it is none of plain numbers")
        if not self.bytes:
            return torch.empty(shape, dtype=TYPES[of.code])
        flat = torch.frombuffer(bytearray(self.bytes), dtype=TYPES[of.code])
        if self.by_columns:
            return flat.view(shape[::-1]).permute(*range(len(shape))[::-1]).contiguous()
        return flat.view(shape)


def _array(*arguments: object) -> _Array:
    return _Array()


def _of_buffer(raw: bytes | bytearray, of: object, shape: object, order: str) -> _Array:
    array = _Array()
    array.__setstate__((1, shape, of, order == "F", bytes(raw)))
    return array


def _encode(text: str, encoding: str) -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError("it encodes bytes as no array's are")
    return text.encode("latin-1")


NAMES: Mapping[tuple[str, str], Any] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _array for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _of_buffer for core in ("core", "_core")},
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encode,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("builtins", "tuple"): tuple,
}
"""All that a file may name."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in NAMES:
            raise Attack(f"it names {module}.{name}, which no file of Paddle's weights needs")
        return NAMES[module, name]


def read_paddle(path: str | Path) -> object:
    """What a file holds, arrays as tensors. Raises `pickle.UnpicklingError` for what is unsafe."""
    with Path(path).open("rb") as file:
        content = _Unpickler(file).load()
    if not isinstance(content, dict):
        return content
    return {key: _plain(value) for key, value in content.items()}


def _plain(value: object) -> object:
    """An array as a tensor; one may stand in a pair behind its name."""
    if isinstance(value, tuple) and len(value) == 2:
        value = value[1]
    return value.tensor if isinstance(value, _Array) else value


def write_paddle(state: Mapping[str, Tensor], path: str | Path, about: Mapping[str, str]) -> None:
    """Writes what `paddle.load` reads, and what else is said of it.

    Raises `FileError` if it cannot be written.
    """
    arrays = {key: np.ascontiguousarray(value.numpy()) for key, value in state.items()}
    with atomic_write(path) as draft, KeptErrors(draft) as file:
        pickle.dump({**arrays, **about}, cast(IO[bytes], file), protocol=PROTOCOL)
