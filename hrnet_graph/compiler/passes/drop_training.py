"""What does nothing after training, dropped."""

from __future__ import annotations

from hrnet_graph.compiler.passes.rewrite import Rewrite, rebuild, unchanged_node
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.ops import ChannelDropout


def drop_training(graph: Graph) -> Rewrite:
    """Every dropout is gone, and its readers read its operand."""
    gone = {node.path: node.inputs[0] for node in graph.nodes if _is_for_training(node.op)}
    kept = [unchanged_node(node) for node in graph.nodes if node.path not in gone]
    return rebuild(graph, kept, instead=gone, done=gone)


def _is_for_training(op: object) -> bool:
    return isinstance(op, ChannelDropout)
