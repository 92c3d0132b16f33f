"""The architecture graph as data that other tools read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import networkx as nx

from hrnet_graph.files import atomic_write, write_text
from hrnet_graph.ir.graph import Graph


def flat(graph: Graph) -> nx.DiGraph[str]:
    """The graph with plain attributes: key, op, shape, ..., and on each edge the operands."""
    plain: nx.DiGraph[str] = nx.DiGraph(name=graph.name, source=graph.source)
    outputs = {path: name for name, path in graph.outputs}
    for node in graph.nodes:
        attributes: dict[str, Any] = {
            "key": node.key,
            "op": type(node.op).__name__,
            "family": node.op.family,
            "shape": str(node.type),
            "attributes": json.dumps(asdict(node.op)),
        }
        if node.path in outputs:
            attributes["output"] = outputs[node.path]
        plain.add_node(node.path, **attributes)
    for source, target, edge in graph.nx.edges(data=True):
        operands = ",".join(str(place) for place in edge["operands"])
        plain.add_edge(source, target, operands=operands)
    return plain


def write_graphml(graph: Graph, path: str | Path) -> None:
    """Writes GraphML, which Gephi, yEd and networkx read."""
    with atomic_write(path) as draft:
        nx.write_graphml(flat(graph), draft)


def write_node_link(graph: Graph, path: str | Path) -> None:
    """Writes node-link JSON, which networkx and d3 read."""
    write_text(path, json.dumps(nx.node_link_data(flat(graph), edges="links"), indent=1) + "\n")


WRITERS: Mapping[str, Callable[[Graph, str | Path], None]] = {
    ".graphml": write_graphml,
    ".json": write_node_link,
}
"""File suffix -> writer."""
