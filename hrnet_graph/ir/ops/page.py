"""Whether the page of another package's op holds, tried once where a network first uses it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hrnet_graph.errors import HRNetGraphError, ShapeError, error_line, quoted
from hrnet_graph.ir.ops.base import Op, refusal
from hrnet_graph.ir.ops.columns import Layer, Onnx, Saved, State
from hrnet_graph.ir.types import Operands, TensorType


class Column(NamedTuple):
    """What a column has to hold, and how it is read where an op has such operands and result."""

    read: Callable[[Op, Operands, TensorType], Any]
    holds: Callable[[Any, Op, Operands], bool]
    expected: str


def _is_word(value: object, op: Op, x: Operands) -> bool:
    return isinstance(value, str) and bool(value)


def _is_count(value: object, op: Op, x: Operands) -> bool:
    return type(value) is int and value >= 0


def _read_spans(op: Op, x: Operands, y: TensorType) -> object:
    """What the first cell of a map reads, along its height."""
    extents = tuple((*t.size, 1)[0] for t in x)
    return op.reads(0, extents, (*y.size, 1)[0])


def _are_spans(value: object, op: Op, x: Operands) -> bool:
    return isinstance(value, tuple) and all(span is None or len(span) == 2 for span in value)


def _are_states(value: object, op: Op, x: Operands) -> bool:
    return isinstance(value, tuple) and all(isinstance(each, State) for each in value)


def _is_layer(value: object, op: Op, x: Operands) -> bool:
    return isinstance(value, Layer) or (value is None and not op.state(x))


def _read_function(op: Op, x: Operands, y: TensorType) -> object:
    """The functional form, of an op that has no layer or whose layer states it."""
    layer = op.layer(x)
    names = [f"x{i}" for i in range(len(x))]
    return op.functional(*names) if layer is None or layer.of.function else "x0"


def _is_function(value: object, op: Op, x: Operands) -> bool:
    """Whether it is an expression of operands, of torch and of its functions, and of nothing else.

    Raises `SyntaxError` for what is no expression.
    """
    if not isinstance(value, str):
        return False
    parts = ast.walk(ast.parse(value, mode="eval"))
    names = {part.id for part in parts if isinstance(part, ast.Name)}
    return names <= {"torch", "F", *(f"x{i}" for i in range(len(x)))}


COLUMNS: Mapping[str, Column] = {
    "family": Column(lambda op, x, y: op.family, _is_word, "a word"),
    "label": Column(lambda op, x, y: op.label, _is_word, "a short name"),
    "state": Column(lambda op, x, y: op.state(x), _are_states, "a tuple of State"),
    "macs": Column(lambda op, x, y: op.macs(x, y), _is_count, "a count"),
    "operations": Column(lambda op, x, y: op.operations(x, y), _is_count, "a count"),
    "workspace": Column(lambda op, x, y: op.workspace(x, y), _is_count, "a count"),
    "saved": Column(
        lambda op, x, y: op.saved(x, y, op.can_overwrite),
        lambda value, op, x: isinstance(value, Saved),
        "Saved",
    ),
    "lender": Column(
        lambda op, x, y: op.lender,
        lambda value, op, x: value in (None, *range(len(x))),
        "the number of an operand",
    ),
    "reads": Column(_read_spans, _are_spans, "a tuple with a pair or None for each operand"),
    "layer": Column(lambda op, x, y: op.layer(x), _is_layer, "a Layer, as the state needs"),
    "functional": Column(_read_function, _is_function, "an expression of x0, ..., torch and F"),
    "onnx": Column(
        lambda op, x, y: op.onnx,
        lambda value, op, x: isinstance(value, Onnx | str),
        "Onnx or an emitter's name",
    ),
}


def check_page(op: Op, x: Operands, y: TensorType) -> None:
    """Raises `HRNetGraphError`, with package, file and column, for a page that does not hold."""
    for name, column in COLUMNS.items():
        try:
            value = column.read(op, x, y)
            holds = column.holds(value, op, x)
        except HRNetGraphError:
            raise
        except Exception as error:  # a column is anybody's code
            problem = f"{type(error).__name__}: {error_line(error)}"
            raise refusal(type(op), f"fails to state its {name}: {problem}") from error
        if not holds:
            expected = f"expected {column.expected}, got {quoted(value)}"
            raise refusal(type(op), f"states a wrong {name}: {expected}")


def infer(op: Op, x: Operands) -> TensorType:
    """The type of an op's result. Raises `ShapeError` if there is nothing left of it."""
    y = op.infer(x)
    if not isinstance(y, TensorType) or not all(type(n) is int and n > 0 for n in y.shape):
        raise ShapeError(f"{op.label} gives {y}, which is no shape")
    if not type(op).__module__.startswith("hrnet_graph."):
        check_page(op, x, y)
    return y
