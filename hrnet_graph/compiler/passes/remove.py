"""What no output needs after training, removed."""

from __future__ import annotations

from hrnet_graph.analysis.dead import dead_nodes
from hrnet_graph.compiler.passes.rewrite import Change, Rewrite, rewrite
from hrnet_graph.ir.graph import Graph


def remove_dead(graph: Graph) -> Rewrite:
    """Every node from which no way leads to an output is gone; the input stays."""
    dead = (node.path for node in dead_nodes(graph) if node is not graph.input)
    return rewrite(graph, (Change(path, "", {path: ()}) for path in dead))


def drop_training(graph: Graph) -> Rewrite:
    """Every dropout is gone, and its readers read its operand."""
    dropouts = (node for node in graph.nodes if node.op.for_training)
    return rewrite(graph, (Change(n.path, n.inputs[0], {n.path: ()}) for n in dropouts))
