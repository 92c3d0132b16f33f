"""How many outputs a network has, as an argument of the file's `HRNet`: `HRNet(classes=10)`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hrnet_graph.compiler.source.expressions import is_name
from hrnet_graph.errors import ShapeError
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import Conv2d, Linear
from hrnet_graph.ir.sizes import infer_types


@dataclass(frozen=True)
class Outputs:
    """The argument's name and value, the layers that take it, and the graph with one more."""

    name: str
    count: int
    keys: frozenset[str]
    with_one_more_output: Graph


def outputs_of(graph: Graph) -> Outputs | None:
    """The number of outputs, if all last layers share it and no other layer depends on it."""
    last = set(graph.output_paths)
    counts = {
        node.op.out if isinstance(node.op, Conv2d | Linear) else 0
        for node in graph.nodes
        if node.path in last
    }
    count = counts.pop()
    if counts or not count or graph.returns == "list":
        return None
    nodes = tuple(_with(node, count + 1) if node.path in last else node for node in graph.nodes)
    try:
        types = infer_types(replace(graph, nodes=nodes), graph.input.type)
    except ShapeError:
        return None
    for node in graph.nodes:
        before, after = graph.operands(node), tuple(types[path] for path in node.inputs)
        if before != after and node.op.state(before) != node.op.state(after):
            return None
    more = replace(graph, nodes=tuple(replace(n, type=types[n.path]) for n in nodes))
    keys = frozenset(graph[path].key for path in last)
    name = graph.output_option if is_name(graph.output_option) else "outputs"
    return Outputs(name, count, keys, more)


def _with(node: Node, count: int) -> Node:
    assert isinstance(node.op, Conv2d | Linear)
    return replace(node, op=replace(node.op, out=count))
