"""How the weights of a graph start, as its spec says for backbone and head."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from operator import attrgetter

from hrnet_graph.ir.graph import Graph, Initialisation, Node
from hrnet_graph.spec.schema import Init, LayerInit


def initialisations(graph: Graph, init: Init) -> tuple[Initialisation, Initialisation]:
    """How backbone and head start."""
    if init.head is None:
        both = _initialisation(init, graph.nodes)
        return both, both
    head = {node.path: node for node in graph.nodes if node.path.startswith("@head.")}
    backbone = [node for node in graph.nodes if node.path not in head]
    return _initialisation(init, backbone), _initialisation(init.head, head.values())


def _initialisation(init: LayerInit, nodes: Iterable[Node]) -> Initialisation:
    """How the convolutions among nodes start; nothing is asked that none of them needs."""
    ops = [*map(attrgetter("op"), nodes)]
    shared = dict(zip(map(id, ops), ops, strict=True))  # by most nodes
    convs = [op for op in shared.values() if op.family == "conv"]
    start = Initialisation()
    if convs:
        start = replace(start, conv=init.conv)
    if start.conv == "normal":
        start = replace(start, std=init.std)
    if any(getattr(conv, "bias", True) for conv in convs):
        start = replace(start, conv_bias=init.conv_bias)
    return start
