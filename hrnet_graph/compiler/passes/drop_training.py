"""What does nothing after training, dropped."""

from __future__ import annotations

from hrnet_graph.compiler.passes.rewrite import Rewrite, rebuild, unchanged_node
from hrnet_graph.ir.graph import Graph


def drop_training(graph: Graph) -> Rewrite:
    """Every dropout is gone, and its readers read its operand."""
    gone = {node.path: node.inputs[0] for node in graph.nodes if node.op.for_training}
    kept = [unchanged_node(node) for node in graph.nodes if node.path not in gone]
    return rebuild(graph, kept, instead=gone, done=gone)
