"""How ops are written that are layers in a constructor."""

from __future__ import annotations

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from hrnet_graph.compiler.source.expressions import Expr, Number, call
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import Layer, TorchLayer


def has_layer(graph: Graph, node: Node) -> bool:
    """Whether a node needs a layer, for its weights or because training changes what it does."""
    return node.op.for_training or bool(node.op.state(graph.operands(node)))


def layers_of(graph: Graph) -> dict[str, Layer]:
    """The layers of all nodes that have one, by key."""
    made = {node.key: node.op.layer(graph.operands(node)) for node in graph.operations}
    return {key: layer for key, layer in made.items() if layer is not None}


def layer(graph: Graph, node: Node) -> Expr | None:
    """`nn.Conv2d(64, 64, 3, padding=1, bias=False)`; None where torch has no such layer."""
    described = node.op.layer(graph.operands(node))
    if described is None:
        return None
    arguments = dict(described.arguments)
    if graph.runs_in_place(node):
        arguments["inplace"] = True
    written = {
        name: _number(name, value) or _constant(value)
        for name, value in arguments.items()
        if value != described.of.keywords.get(name, ...)
    }
    positional = [written.pop(name) for name in described.of.positional if name in written]
    return call(class_of(described.of), *positional, **written)


def _number(name: str, value: object) -> Number | None:
    """A number in which layers of one class may differ; None for what all share."""
    if type(value) is int or (isinstance(value, float) and name == "rate"):
        return Number(value, name)
    return None


def class_of(of: TorchLayer) -> str:
    """The class of a layer as a file calls it: `nn.Conv2d`, or one that is copied into it."""
    return of.class_name if ":" in of.name else f"nn.{of.name}"


def copied_classes(graph: Graph) -> tuple[str, ...]:
    """The classes of layers that torch does not have, as they stand in their files."""
    kinds = dict.fromkeys(
        layer.of.name for layer in layers_of(graph).values() if not layer.of.extra
    )
    return tuple(_class_text(name) for name in kinds if ":" in name)


def imported_classes(graph: Graph) -> tuple[str, ...]:
    """The classes of layers that a package besides torch has, as `package.module:Class`."""
    found = {layer.of.name for layer in layers_of(graph).values() if layer.of.extra}
    return tuple(sorted(found))


def buffers_of(graph: Graph) -> dict[str, list[list[float]]]:
    """What scopes hold for nodes in them, by key, in the order of the nodes."""
    return {
        node.key_of(entry): [[float(n) for n in row] for row in node.op.constants()[entry.name]]
        for node in graph.nodes
        if node.op.constants()
        for entry in node.op.state(graph.operands(node))
        if entry.beside
    }


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


def _constant(value: object) -> str:
    """As people write it: `"bilinear"`, `1e-5`."""
    return f'"{value}"' if isinstance(value, str) else repr(value).replace("e-0", "e-")
