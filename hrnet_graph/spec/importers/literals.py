"""A Python config read as literal data. Nothing of it is ever run."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from hrnet_graph.errors import FileError

MAX_CHARACTERS = 256 * 1024


def read_literals(text: str) -> dict[str, Any]:
    """Every name that a module assigns data to: literals, `dict(...)`, and names of such.

    What is no data (calls, imports, comprehensions) is left out. Raises `FileError` if the text is
    no Python.
    """
    if len(text) > MAX_CHARACTERS:
        raise FileError(f"expected a config of at most {MAX_CHARACTERS} characters")
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or str(error) or "it is nested too deeply"
        raise FileError(f"expected a Python config, got what is no Python: {reason}") from None
    names: dict[str, Any] = {}
    for statement in module.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if isinstance(target, ast.Name):
                try:
                    names[target.id] = _value(statement.value, names)
                except (ValueError, RecursionError):
                    names.pop(target.id, None)
    return names


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """What an expression says. Raises `ValueError` if it is no data."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(item, names) for item in node.elts]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _value(node.operand, names)
        if isinstance(value, int | float):
            return -value
    if isinstance(node, ast.Dict):
        return _mapping(list(zip(node.keys, node.values, strict=True)), names)
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict" and not node.args:
        keys = [(ast.Constant(k.arg) if k.arg else None, k.value) for k in node.keywords]
        return _mapping(keys, names)
    raise ValueError("no data")


def _mapping(
    items: Sequence[tuple[ast.expr | None, ast.expr]], names: Mapping[str, Any]
) -> dict[str, Any]:
    """A mapping; entries that are no data are left out, `**name` is written out."""
    mapping: dict[str, Any] = {}
    for key, node in items:
        try:
            value = _value(node, names)
        except ValueError:
            continue
        if key is not None:
            mapping[str(_value(key, names))] = value
        elif isinstance(value, dict):
            mapping.update(value)
    return mapping
