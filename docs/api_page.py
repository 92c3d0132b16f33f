"""docs/api.md, from the docstrings of the public names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from types import FunctionType
from typing import Any, get_overloads

import hrnet_graph as hg
from hrnet_graph.spec.load import RENAMED
from hrnet_graph.viz.look import Look

OPENING = """\
# The Python API

Generated from the docstrings by `make docs`. The examples run as tests, each in an empty folder,
after `import hrnet_graph as hg` and `import torch`. Importing `hrnet_graph` loads neither torch nor
networkx; each name is loaded when it is first used.

## What stays

The names on this page, and the commands, options and JSON keys that the README shows, are what
users can rely on. Everything else may change in any release. A name is taken away in three steps:
[CHANGELOG.md](../CHANGELOG.md) says what replaces it, the old one goes on working until the next
minor release at least, and it goes with an entry under "Removed". A key of the spec that has
another name now is read for the new one until 1.0, so that specs and saved networks open:
"""

FUNCTIONS = {
    "Specs and graphs": (
        "list_specs",
        "list_variants",
        "load_spec",
        "check",
        "build_graph",
        "analyze",
        "render",
    ),
    "Networks and files": ("build_module", "save", "load", "load_engine", "load_weights", "freeze"),
    "Running": ("predict", "compile", "cuda_graph", "compile_blocks"),
}
"""Heading -> the functions under it, in the order of use."""


def api() -> str:
    """The page as Markdown."""
    listed = [name for names in FUNCTIONS.values() for name in names]
    kinds = [name for name in hg.__all__ if inspect.isclass(getattr(hg, name))]
    errors = [name for name in kinds if issubclass(getattr(hg, name), Exception)]
    values = [name for name in kinds if name not in errors]
    known = {*listed, *kinds, "__version__"}
    assert known == set(hg.__all__), f"on no page: {known ^ set(hg.__all__)}"
    parts = [OPENING + "\n".join(f"`{old}` is `{new}`." for old, new in RENAMED.items())]
    for heading, names in (*FUNCTIONS.items(), ("Values", values), ("Errors", errors)):
        parts.append(f"## {heading}")
        for name in names:
            parts += entry(name, getattr(hg, name))
    return "\n\n".join(parts) + "\n"


def entry(name: str, thing: Any) -> Iterator[str]:
    """A public name: how it is called, and what its docstring says."""
    yield f"### `{name}`"
    if not inspect.isclass(thing):
        function = inspect.unwrap(thing)
        calls = get_overloads(function) or [function]
        yield "```python\n" + "\n".join(f"hg.{signature(name, call)}" for call in calls) + "\n```"
    yield from prose(thing)
    if name == "render":
        yield "What a `Look` has to choose:"
        yield from prose(Look, skip=1)
    if is_dataclass(thing):
        held = [field for field in fields(thing) if not field.name.startswith("_")]
        yield "\n".join(f"- **`{field.name}`**: `{field.type}`" for field in held)
    for method, kind, what in methods(thing) if inspect.isclass(thing) else ():
        if kind == "property":
            yield f"**`{method}`**: `{what.__annotations__['return']}`"
        else:
            yield f"```python\n{signature(method, what)}\n```"
        yield from prose(what)


def methods(kind: type) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """Name, kind and function of what a class of ours says about itself, in order."""
    for name, value in vars(kind).items():
        inner = getattr(value, "fget", None) or getattr(value, "func", None)
        function = inner or value
        if name.startswith("_") or not isinstance(function, FunctionType):
            continue
        ours = function.__module__.startswith("hrnet_graph") and function.__doc__
        if ours and "." not in function.__qualname__.removeprefix(f"{kind.__name__}."):
            yield name, "property" if inner else "method", function


def signature(name: str, function: Callable[..., Any]) -> str:
    """A call on one line, or with one parameter a line where that is too long."""
    found = inspect.signature(function)
    parameters = [p for p in found.parameters.values() if p.name != "self"]
    words = []
    for i, p in enumerate(parameters):
        if p.kind is p.KEYWORD_ONLY and not (i and parameters[i - 1].kind is p.KEYWORD_ONLY):
            words.append("*")
        stars = "**" if p.kind is p.VAR_KEYWORD else ""
        default = "" if p.default is p.empty else f" = {p.default!r}"
        words.append(f"{stars}{p.name}: {p.annotation}{default}")
    line = f"{name}({', '.join(words)}) -> {found.return_annotation}"
    if len(line) <= 90:
        return line
    rows = "".join(f"    {word},\n" for word in words)
    return f"{name}(\n{rows}) -> {found.return_annotation}"


def prose(thing: object, skip: int = 0) -> Iterator[str]:
    """A docstring as paragraphs of Markdown: shape lines as text, an example as a block."""
    text, _, example = (inspect.getdoc(thing) or "").partition("\n\nExample:\n")
    for paragraph in text.split("\n\n")[skip:]:
        lines = paragraph.split("\n")
        rows = [line for line in lines if line.partition(": ")[0].isidentifier()]
        yield "\n".join(f"- {line}" for line in lines) if rows == lines else paragraph
    if example:
        yield f"```python\n{inspect.cleandoc(example)}\n```"
