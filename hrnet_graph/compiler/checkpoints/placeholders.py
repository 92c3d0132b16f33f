"""Checkpoints with objects beside the weights, read without running any code of theirs.

A pickle is a program: it names functions and calls them. Here the names of tensors' own parts lead
to those, and every other name to an inert class that takes whatever it is called with and does
nothing; so what stands beside the weights becomes placeholders, and what it would have done is
never done. Source: the threat model in docs/adr/0073.
"""

from __future__ import annotations

import collections
import pickle
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

_TENSORS: Mapping[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch", "Size"): torch.Size,
}
"""All that is looked up by its name; the storages of tensors are torch's own matter."""


class Placeholder:
    """What stands for an object of a class that is not looked up; `described` names the class."""

    described = ""

    def __new__(cls, *arguments: object, **named: object) -> Placeholder:
        return super().__new__(cls)

    def __init__(self, *arguments: object, **named: object) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, value: object) -> None:
        """Takes an item of a list, and forgets it."""

    def extend(self, values: object) -> None:
        """Takes items of a list, and forgets them."""

    @property
    def is_module(self) -> bool:
        """Whether it was a network: an object with submodules and parameters."""
        return isinstance(self.state, Mapping) and {"_modules", "_parameters"} <= self.state.keys()


_NEVER = frozenset(
    word
    for row in (
        "_io asyncio code commands ctypes importlib io marshal multiprocessing nt os pdb pickle",
        "posix pty runpy shutil signal socket subprocess sys webbrowser",
    )
    for word in row.split()
)
"""Modules whose names no checkpoint needs. None would be run here, but they say: an attack."""
_PLAIN = frozenset(("bool", "bytearray", "complex", "dict", "float", "frozenset", "int", "list"))
_PLAIN |= {"object", "range", "set", "slice", "str", "tuple"}


class Attack(pickle.UnpicklingError):
    """A pickle that names what no checkpoint needs."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _TENSORS:
            return _TENSORS[module, name]
        is_builtin = module in ("builtins", "__builtin__") and name not in _PLAIN
        if is_builtin or module.partition(".")[0] in _NEVER:
            raise Attack(f"it names {module}.{name}, which no checkpoint needs")
        return type("Placeholder", (Placeholder,), {"described": f"{module}.{name}"})


_PICKLE = types.SimpleNamespace(
    Unpickler=_Unpickler, load=None, __name__="placeholders"
)  # what torch asks of a pickle module where the file is an archive


def load_inertly(path: str | Path) -> object:
    """What a zip archive of torch's holds, with placeholders for all but tensors and plain data.

    Raises what the unpickler raises if the file is none.
    """
    return torch.load(path, map_location="cpu", pickle_module=_PICKLE, weights_only=False)
