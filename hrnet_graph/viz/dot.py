"""A collapsed graph as DOT."""

from __future__ import annotations

from html import escape

import graphviz

from hrnet_graph.analysis.cost import Cost, Report, analyze
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.hierarchy import Box, Level, branch_of, collapse
from hrnet_graph.viz import theme
from hrnet_graph.viz.numbers import short


def to_dot(graph: Graph, level: Level) -> str:
    """The graph, collapsed to `level`, as DOT: boxes from left to right, an edge a tensor."""
    view, report = collapse(graph, level), analyze(graph)
    dot = graphviz.Digraph(
        name=graph.name,
        graph_attr={
            "rankdir": "LR",
            "label": _title(report),
            "labelloc": "t",
            "fontname": theme.FONT,
            "fontsize": "18",
            "fontcolor": theme.INK,
            "nodesep": "0.3",
            "ranksep": "0.7",
        },
        node_attr={
            "shape": "box",
            "style": "filled,rounded",
            "color": theme.QUIET,
            "fontname": theme.FONT,
            "fontsize": "12",
            "margin": "0.15,0.08",
        },
        edge_attr={"fontname": theme.FONT, "fontsize": "10", "arrowsize": "0.7"},
    )
    for box in view.boxes.values():
        cost = sum((report.nodes[node.path] for node in box.nodes), Cost())
        dot.node(_id(box.path), label=_html(_label(box, cost)), fillcolor=theme.FILLS[_kind(box)])
    for (source, target), tensors in view.edges.items():
        for tensor in tensors:
            colour = theme.branch_colour(branch_of(graph, tensor.path))
            shape = f" {_times(tensor.type.shape)} "
            dot.edge(_id(source), _id(target), label=shape, color=colour, fontcolor=colour)
    for name, path in graph.outputs:
        box_path = next(box.path for box in view.boxes.values() if graph[path] in box.nodes)
        shape = _times(graph[path].type.shape)
        label = _html([f"<b>{escape(name)}</b>", shape])
        dot.node(f"output {name}", label=label, fillcolor=theme.FILLS["input"])
        dot.edge(_id(box_path), f"output {name}")
    return str(dot.source)


def _id(path: str) -> str:
    """A box's name in DOT, where a colon would mean a port."""
    return path.replace(":", "_")


def _html(lines: list[str]) -> str:
    """Lines of markup as an HTML-like label."""
    return f"<{'<br/>'.join(lines)}>"


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(str(n) for n in shape)


def _title(report: Report) -> str:
    """Name and totals, in rows of their own."""
    shape = _times(report.graph.input.type.shape)
    totals = f"{short(report.params)} params, {short(report.macs)}MACs at {shape}"
    name = f"<b>{escape(report.graph.name)}</b>"
    rows = (name, f'<font point-size="12">{totals}</font>')
    cells = "".join(f"<tr><td>{row}</td></tr>" for row in rows)
    return f'<<table border="0" cellspacing="2" cellpadding="2">{cells}</table>>'


def _kind(box: Box) -> str:
    if box.scope is not None:
        return box.scope.kind
    return "input" if box.nodes[0].op.family == "input" else "op"


def _label(box: Box, cost: Cost) -> list[str]:
    """What a box says: its name, what it is, and what it costs."""
    name = box.path.replace("@", "")
    if box.scope is None:
        node = box.nodes[0]
        what = _times(node.type.shape) if node.op.family == "input" else node.op.label()
    else:
        what = box.scope.label or box.scope.kind
    lines = [f"<b>{escape(name)}</b>"] + ([escape(what)] if what != name else [])
    small = [f"{short(cost.params)} params"] if cost.params else []
    small += [f"{short(cost.macs)}MACs"] if cost.macs else []
    return lines + [f'<font point-size="10" color="{theme.QUIET}">{text}</font>' for text in small]
