"""How each op is written: as a layer in a constructor, or as an expression in `forward`."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from hrnet_graph.compiler.source.expressions import Expr, Group, Number, call, flat, number
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import Op, TorchLayer

OPERATORS: Mapping[type[ast.operator], str] = {ast.Add: "+", ast.Mult: "*", ast.MatMult: "@"}
"""Operators of functional forms."""


def has_layer(graph: Graph, node: Node) -> bool:
    """Whether a node needs a layer, for its weights or because training changes what it does."""
    return node.op.for_training or bool(node.op.state(graph.operands(node)))


def layer(graph: Graph, node: Node) -> Expr | None:
    """`nn.Conv2d(64, 64, 3, padding=1, bias=False)`; None where torch has no such layer."""
    described = node.op.layer(graph.operands(node))
    if described is None:
        return None
    arguments = dict(described.arguments)
    if graph.runs_in_place(node):
        arguments["inplace"] = True
    written = {
        name: Number(value, name) if type(value) is int else _constant(value)
        for name, value in arguments.items()
        if value != described.of.keywords.get(name, ...)
    }
    positional = [written.pop(name) for name in described.of.positional if name in written]
    return call(class_of(described.of), *positional, **written)


def class_of(of: TorchLayer) -> str:
    """The class of a layer as a file calls it: `nn.Conv2d`, or one that is copied into it."""
    return of.class_name if ":" in of.name else f"nn.{of.name}"


def copied_classes(graph: Graph) -> tuple[str, ...]:
    """The classes of layers that torch does not have, as they stand in their files."""
    layers = (node.op.layer(graph.operands(node)) for node in graph.operations)
    names = dict.fromkeys(each.of.name for each in layers if each and ":" in each.of.name)
    return tuple(_class_text(name) for name in names)


@cache
def _class_text(name: str) -> str:
    """The text of `package.module:Class`, which is read and not imported: torch need not be."""
    module, _, name = name.partition(":")
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).read_text(encoding="utf-8")
    found = (each for each in ast.parse(text).body if isinstance(each, ast.ClassDef))
    return ast.get_source_segment(text, next(each for each in found if each.name == name)) or ""


def resize_call(x: Expr, like: Expr, align_corners: bool, both: bool) -> Expr:
    """A call of the file's `resize`, which is told how only if the network resizes in both ways."""
    return call("resize", x, like, *(("align_corners=True",) if both and align_corners else ()))


def write_call(op: Op, operands: Sequence[Expr]) -> Expr:
    """The expression of an op without weights: its functional form, of these operands."""
    named = {f"x{i}": operand for i, operand in enumerate(operands)}
    return _written(ast.parse(op.functional(*named), mode="eval").body, named)


def _written(form: ast.expr, operands: Mapping[str, Expr]) -> Expr:
    """A part of a functional form as it stands in a file."""
    if isinstance(form, ast.Name):
        return operands.get(form.id, form.id)
    if isinstance(form, ast.Call):
        arguments = [_written(each, operands) for each in form.args]
        named = {each.arg or "**": _written(each.value, operands) for each in form.keywords}
        made = call(flat(_written(form.func, operands)), *arguments, **named)
        is_method = any(getattr(each, "id", "") in operands for each in ast.walk(form.func))
        return flat(made) if is_method else made
    if isinstance(form, ast.List):
        return Group("[", tuple(_written(each, operands) for each in form.elts), "]")
    if isinstance(form, ast.BinOp):
        left, right = (_written(each, operands) for each in (form.left, form.right))
        first = flat(left) if isinstance(form.op, ast.Add) else _tight(left)
        return f"{first} {OPERATORS[type(form.op)]} {_tight(right)}"
    if isinstance(form, ast.Attribute):
        return f"{_tight(_written(form.value, operands))}.{form.attr}"
    if isinstance(form, ast.Subscript):
        parts = form.slice.elts if isinstance(form.slice, ast.Tuple) else [form.slice]
        return f"{_tight(_written(form.value, operands))}[{', '.join(map(ast.unparse, parts))}]"
    return _constant(ast.literal_eval(form))


def _constant(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else number(value)


def _tight(expr: Expr) -> str:
    """An operand in brackets, where what is done to it would otherwise bind tighter."""
    code = flat(expr)
    depth = 0
    for character in code:
        depth += (character in "([") - (character in ")]")
        if character == " " and depth == 0:
            return f"({code})"
    return code
