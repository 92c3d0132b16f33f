"""What of a spec says what comes out of its network."""

from __future__ import annotations

from itertools import islice

from hrnet_graph.ir.graph import Graph
from hrnet_graph.rules.registry import rule
from hrnet_graph.spec.rule import Rule


def output_option(graph: Graph, head: Rule) -> str:
    """The head's option that says how many channels every output has; empty if none does.

    Where several have that value, it is one that a spec has to state.
    """
    paths = {path for _, path in graph.outputs}
    made = (node for node in reversed(graph.nodes) if node.path in paths)
    counts = {node.type.channels for node in islice(made, len(paths))}
    options = rule("head", head.kind).options
    names = [name for name, n in head.pairs if type(n) is int and counts == {n}]
    return min(names, key=lambda name: options[name].default is not ..., default="")
