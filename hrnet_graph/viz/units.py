"""What the residual units of a part are, and how fuse units resize, in words of a figure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

from hrnet_graph.ir.graph import Graph, Node, Scope
from hrnet_graph.ir.hierarchy import Box, prefixes
from hrnet_graph.ir.ops import GlobalAveragePool, Multiply
from hrnet_graph.viz.select import under, within
from hrnet_graph.viz.words import clean

_PLAIN = ("", "basic block", "bottleneck block", "separable convolution")
"""The labels of units that the papers' figures have without a word."""

_SIZES = re.compile(r"( [x/]?\d+(x\d+)?)+$")
"""The sizes at the end of an operation's label."""


def units_of(graph: Graph, box: Box) -> list[Scope]:
    """The residual units in a box."""
    return [s for s in graph.scopes if s.kind == "block" and within(s.path, box.path)]


def in_a_row(graph: Graph, box: Box) -> int:
    """How many residual units of a box follow one another; those side by side count once."""
    units = {scope.path for scope in units_of(graph, box)}
    if len(units) < 2:
        return len(units)
    unit = {n.path: next((p for p in prefixes(n.path) if p in units), "") for n in box.nodes}
    passed: dict[str, int] = {}
    for node in box.nodes:
        own = unit[node.path]
        before = ((path, passed[path]) for path in node.inputs if path in passed)
        entered = [count + (own != "" and unit[path] != own) for path, count in before]
        passed[node.path] = max(entered, default=int(own != ""))
    return max(passed.values())


def unit_words(graph: Graph, box: Box) -> list[str]:
    """What the units of a box are, a line each, where they are not those of HRNet's papers."""
    scopes = units_of(graph, box)
    labels = {scope.label for scope in scopes}
    (label,) = labels if len(labels) == 1 else ("",)
    words = [] if label in _PLAIN else [named(label.removesuffix(" block"))]
    inside = [n for n in box.nodes if any(under(n.path, scope.path) for scope in scopes)]
    return [*words, "squeeze-excite"] if label and _weighs_channels(graph, inside) else words


def named(label: str) -> str:
    """A label as people say it."""
    return clean(label.replace("_", " "), 24)


def _weighs_channels(graph: Graph, nodes: Sequence[Node]) -> bool:
    """Whether maps are multiplied by what is made of the means of their channels."""
    pooled = any(isinstance(node.op, GlobalAveragePool) for node in nodes)
    products = (node for node in nodes if isinstance(node.op, Multiply))
    sizes = ([graph[path].type.size for path in node.inputs] for node in products)
    return pooled and any((1, 1) in pair and len({*pair}) > 1 for pair in sizes)


def resizings(graph: Graph, strides: Mapping[str, Fraction]) -> tuple[str, ...]:
    """By what fuse units lower and raise the resolution, where not as in HRNet's papers."""
    fuses = {scope.path for scope in graph.scopes if scope.kind == "fuse"}
    found = dict[str, None]()
    for node in graph.operations if fuses else ():
        resized = strides[node.inputs[0]] != strides[node.path]
        if resized and not fuses.isdisjoint(prefixes(node.path)):
            found[_SIZES.sub("", node.op.label)] = None
    said = [word for word in found if word not in ("conv", "nearest", "bilinear")]
    return (f"fuse units: {', '.join(said)}",) if said else ()
