"""A small language for conditions: numbers, names, arithmetic, comparisons, and, or, not."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
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


class UndecidedError(HRNetGraphError):
    """A condition that says nothing of some values."""


@dataclass(frozen=True)
class Condition:
    """A condition: its text, the names it may use, and what it says of their values."""

    text: str
    names: tuple[str, ...]
    value: Callable[[Values], Any]

    def __reduce__(self) -> tuple[Callable[..., Condition], tuple[str, tuple[str, ...]]]:
        return condition, (self.text, self.names)

    def __call__(self, values: Values) -> bool:
        """Whether it holds. Raises `HRNetGraphError` if that cannot be decided."""
        try:
            return _truth(self.value(values))
        except (TypeError, ZeroDivisionError, OverflowError) as error:
            raise UndecidedError(f"{quoted(self.text)} cannot be decided: {error}") from None


def condition(text: str, names: Collection[str]) -> Condition:
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
    return Condition(text, tuple(names), _function(tree, names))


def _function(node: ast.expr, names: Collection[str]) -> Callable[[Values], Any]:
    """A tree of the language as a function of the names. Raises for what the language has not."""
    match node:
        case ast.Constant(value=int() | float() | str() as constant):
            return lambda _: constant
        case ast.Name(id=name):
            if name not in names:
                near = did_you_mean(name, sorted(names))
                raise HRNetGraphError(f"unknown name {quoted(name)} in the condition{near}")
            return operator.itemgetter(name)
        case ast.UnaryOp(op=ast.Not() | ast.USub() as op):
            operand = _function(node.operand, names)
            if isinstance(op, ast.Not):
                return lambda values: not _truth(operand(values))
            return lambda values: -operand(values)
        case ast.BoolOp():
            parts = [_function(part, names) for part in node.values]
            combine = all if isinstance(node.op, ast.And) else any
            return lambda values: combine(_truth(part(values)) for part in parts)
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            pair = [_function(part, names) for part in (node.left, node.right)]
            return lambda values: _compute(type(node.op), *(part(values) for part in pair))
        case ast.Compare() if all(type(op) in _COMPARISONS for op in node.ops):
            row = [_function(part, names) for part in (node.left, *node.comparators)]
            return lambda values: _ordered(node.ops, (part(values) for part in row))
    what = quoted(ast.unparse(node))
    hint = "it knows numbers, names, + - * /, comparisons, and, or, not"
    raise HRNetGraphError(f"the condition's language has no {what}", hint)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{quoted(value)} is neither true nor false")
    return value


def _compute(op: type[ast.operator], left: Any, right: Any) -> Any:
    if not all(isinstance(operand, int | float) for operand in (left, right)):
        raise TypeError("arithmetic is for numbers")
    return _ARITHMETIC[op](left, right)


def _ordered(ops: Sequence[ast.cmpop], row: Iterable[Any]) -> bool:
    """Whether all neighbours in a row compare as they should; the row is read as far as needed."""
    return all(_COMPARISONS[type(op)](*pair) for op, pair in zip(ops, pairwise(row), strict=True))
