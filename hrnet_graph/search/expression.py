"""A small language for conditions: numbers, names, arithmetic, comparisons, and, or, not."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted

MAX_CHARACTERS = 500

_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}

Values = Mapping[str, Any]


def condition(text: str, names: Collection[str]) -> Callable[[Values], bool]:
    """`macs < 5e9 and params < 30e6` as a function of the values of its names.

    `names` are those that may be used; a dotted one is written as it is (`stages.2.modules` is
    not: its part 2 is no name). Nothing is evaluated as Python. Raises `HRNetGraphError` for what
    the language has not.
    """
    if len(text) > MAX_CHARACTERS:
        raise HRNetGraphError(f"expected a condition of at most {MAX_CHARACTERS} characters")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        hint = "for example: macs < 5e9 and params < 30e6"
        raise HRNetGraphError(f"{quoted(text)} is no condition", hint) from None
    _check(tree, names)

    def holds(values: Values) -> bool:
        try:
            return bool(_value(tree, values))
        except (TypeError, ZeroDivisionError, OverflowError) as error:
            raise HRNetGraphError(f"{quoted(text)} cannot be decided: {error}") from None

    return holds


def _check(node: ast.expr, names: Collection[str]) -> None:
    """Raises unless the whole tree is of the language."""
    if isinstance(node, ast.Name):
        if node.id not in names:
            near = did_you_mean(node.id, sorted(names))
            raise HRNetGraphError(f"unknown name {quoted(node.id)} in the condition{near}")
        return
    known = (
        (isinstance(node, ast.Constant) and isinstance(node.value, int | float | str))
        or (isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC)
        or (isinstance(node, ast.Compare) and all(type(op) in _COMPARISONS for op in node.ops))
        or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub))
        or isinstance(node, ast.BoolOp)
    )
    if not known:
        what = quoted(ast.unparse(node))
        hint = "it knows numbers, names, + - * /, comparisons, and, or, not"
        raise HRNetGraphError(f"the condition's language has no {what}", hint)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            _check(child, names)


def _value(node: ast.expr, values: Values) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.BinOp):
        operands = _value(node.left, values), _value(node.right, values)
        if not all(isinstance(operand, int | float) for operand in operands):
            raise TypeError("arithmetic is for numbers")
        return _ARITHMETIC[type(node.op)](*operands)
    if isinstance(node, ast.UnaryOp):
        operand = _value(node.operand, values)
        return not operand if isinstance(node.op, ast.Not) else -operand
    if isinstance(node, ast.BoolOp):
        parts = (_value(part, values) for part in node.values)
        return all(parts) if isinstance(node.op, ast.And) else any(parts)
    assert isinstance(node, ast.Compare)
    left = _value(node.left, values)
    for op, right_node in zip(node.ops, node.comparators, strict=True):
        right = _value(right_node, values)
        if not _COMPARISONS[type(op)](left, right):
            return False
        left = right
    return True
