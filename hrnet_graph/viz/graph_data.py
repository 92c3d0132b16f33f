"""The architecture graph as data that other tools read."""

from __future__ import annotations

import io
import json
from dataclasses import asdict

import networkx as nx

from hrnet_graph.ir.graph import Graph


def to_graphml(graph: Graph, source: str) -> bytes:
    """GraphML, which Gephi, yEd and networkx read; `source` is the spec as text."""
    text = io.BytesIO()
    nx.write_graphml(flat(graph, source), text)
    return text.getvalue()


def to_node_link(graph: Graph, source: str) -> bytes:
    """Node-link JSON, which networkx and d3 read; `source` is the spec as text."""
    data = nx.node_link_data(flat(graph, source), edges="links")
    return f"{json.dumps(data, indent=1)}\n".encode()


def flat(graph: Graph, source: str) -> nx.DiGraph[str]:
    """The graph with plain attributes: key, op, shape, ..., and on each edge the operands."""
    plain: nx.DiGraph[str] = nx.DiGraph(name=graph.name, source=source)
    outputs = {path: name for name, path in graph.outputs}
    for node in graph.nodes:
        plain.add_node(
            node.path,
            key=node.key,
            op=type(node.op).__name__,
            family=node.op.family,
            shape=str(node.type),
            attributes=json.dumps(asdict(node.op)),
            **({"output": outputs[node.path]} if node.path in outputs else {}),
        )
    for start, end, edge in graph.nx.edges(data=True):
        plain.add_edge(start, end, operands=",".join(map(str, edge["operands"])))
    return plain
