"""The public API is typed: two checkers read a sample of its use, and no signature says `Any`."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from types import FunctionType

import pytest

import hrnet_graph as hg

SAMPLE = Path(__file__).with_name("typing_sample.py")

OPEN = {"as_dict": "dict[str, Any]", "dump": "dict[str, Any]"}
"""What gives plain data for JSON, whose values are of any type."""


UNTYPED = {"load", "Compiled"}
"""What gives a network or an engine as it is asked to."""


def test_the_sample_uses_every_public_name() -> None:
    """`make lint` has mypy and pyright check the sample itself."""
    used = {
        node.attr
        for node in ast.walk(ast.parse(SAMPLE.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "hg"
    }
    assert set(hg.__all__) - used == {"load"}


@pytest.mark.parametrize("name", sorted(set(hg.__all__) - {"__version__"} - UNTYPED))
def test_no_public_signature_says_any(name: str) -> None:
    thing = getattr(hg, name)
    functions = [thing] if inspect.isfunction(thing) else own_methods(thing)
    for function in functions:
        for what, stated in inspect.get_annotations(function).items():
            plain = re.sub(r"Mapping\[str, Any\]|ndarray\[Any, Any\]", "", str(stated))
            if plain != OPEN.get(function.__name__):
                assert not re.search(r"\bAny\b", plain), (
                    f"{function.__qualname__}: {what}: {stated}"
                )


def own_methods(kind: type) -> list[FunctionType]:
    """The public methods and properties that a class of ours defines itself, and its call."""
    found = []
    for name, value in vars(kind).items():
        value = getattr(value, "fget", None) or getattr(value, "func", None) or value
        if not isinstance(value, FunctionType) or not value.__module__.startswith("hrnet_graph"):
            continue
        if name == "__call__" or not name.startswith("_"):
            found.append(value)
    return found
