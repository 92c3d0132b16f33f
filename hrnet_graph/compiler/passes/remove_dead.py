"""What reaches no output, removed."""

from __future__ import annotations

from hrnet_graph.analysis.dead import dead_nodes
from hrnet_graph.compiler.passes.rewrite import Rewrite, rebuild, unchanged_node
from hrnet_graph.ir.graph import Graph


def remove_dead(graph: Graph) -> Rewrite:
    """Every node from which no way leads to an output is gone; the input stays."""
    dead = dict.fromkeys(node.path for node in dead_nodes(graph) if node is not graph.input)
    kept = [unchanged_node(node) for node in graph.nodes if node.path not in dead]
    return rebuild(graph, kept, done=dead)
