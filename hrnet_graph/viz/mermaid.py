"""The stages of a graph as Mermaid, which renders in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hrnet_graph.analysis.cost import Cost, analyze
from hrnet_graph.analysis.numbers import cost_lines
from hrnet_graph.analysis.receptive_field import strides
from hrnet_graph.ir.graph import Graph, display_name
from hrnet_graph.ir.hierarchy import Box, View, collapse, prefixes
from hrnet_graph.ir.types import times
from hrnet_graph.viz.theme import INK, line_of, number_of
from hrnet_graph.viz.words import clean

PLAIN = "#f4f4f4"
"""The colour of every box: what is coloured is the resolution of tensors."""

LONGEST = 80
"""More characters of a name than this are left out."""


def to_mermaid(graph: Graph) -> str:
    """The stage view as a Mermaid flowchart from left to right, in ASCII.

    An edge is a tensor, with its shape. A scope that is no one box is a subgraph around what
    it holds, as `backbone` is in a detector.
    """
    view = collapse(graph, "stage")
    number = {path: f"n{i}" for i, path in enumerate(view.boxes)}
    box_of = {node.path: number[box.path] for box in view.boxes.values() for node in box.nodes}
    edges = [(number[a], number[b], node) for (a, b), nodes in view.edges.items() for node in nodes]
    edges += [(box_of[p], f"out{i}", graph[p]) for i, p in enumerate(graph.output_paths)]
    stride = strides(graph)
    lines = [
        "flowchart LR",
        *_boxes(view, number),
        *(f'  out{i}(["{_text(name)}"])' for i, (name, _) in enumerate(graph.outputs)),
        *(f'  {a} -->|"{_text(times(node.type.shape))}"| {b}' for a, b, node in edges),
        f"  classDef part fill:{PLAIN},color:{INK}",
        *(
            f"  linkStyle {i} stroke:{line_of(number_of(stride[node.path]))}"
            for i, (*_, node) in enumerate(edges)
        ),
    ]
    return "\n".join(lines) + "\n"


def _boxes(view: View, number: dict[str, str]) -> Iterator[str]:
    """The boxes, those of one scope together in a subgraph."""
    report = analyze(view.graph)
    groups: dict[str, list[Box]] = {}
    for box in view.boxes.values():
        groups.setdefault(next(prefixes(box.path), ""), []).append(box)
    for i, (scope, boxes) in enumerate(groups.items()):
        if scope:
            yield f'  subgraph g{i} ["{_text(display_name(scope))}"]'
        for box in boxes:
            cost = sum((report.nodes[node.path] for node in box.nodes), Cost())
            label = "<br/>".join(_text(line) for line in _lines(box, cost))
            yield f'  {number[box.path]}["{label}"]:::part'
        if scope:
            yield "  end"


def _lines(box: Box, cost: Cost) -> list[str]:
    """What a box says: its name, what it is, and what it costs."""
    if box.scope is None:
        node = box.nodes[0]
        what = times(node.type.shape) if node.op.family == "input" else node.op.label
    else:
        what = box.scope.label
    return [line for line in (display_name(box.path), what, *cost_lines(cost)) if line]


def _text(text: str) -> str:
    """Text that Mermaid takes as such: all but plain characters by their number."""
    plain = r"[^A-Za-z0-9 ._/,()-]"
    return re.sub(plain, lambda match: f"#{ord(match[0])};", clean(text, LONGEST))
