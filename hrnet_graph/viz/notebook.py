"""Values as pieces of HTML for a notebook: networks and their figures, reports, pictures."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from hrnet_graph.analysis.cost import Report, analyze
from hrnet_graph.choices import COUNTS
from hrnet_graph.compiler.build import build_graph
from hrnet_graph.compiler.weights.matching import LoadReport
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir.graph import Graph
from hrnet_graph.spec.schema import Spec
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.to_svg import to_svg
from hrnet_graph.viz.words import times

if TYPE_CHECKING:
    from PIL import Image

MAX_SIDE = 1024
"""A picture in a notebook has at most so many pixels a side; `save` writes all of them."""

SPELT = {"macs": "MACs", "flops": "FLOPs"}
"""Counts that are abbreviations."""


def html_of(value: object) -> str:
    """A spec, a graph, a network (which has a graph), counts, or what became of weights, as HTML.

    A spec that makes no network says why. A figure is left out where it cannot be drawn. There is
    no script in it, and what comes from outside is text, so that nothing can reach the notebook.
    """
    if isinstance(value, Report):
        return _counts(value)
    if isinstance(value, LoadReport):
        return f"<pre>{escape(str(value))}</pre>"
    try:
        graph = build_graph(value) if isinstance(value, Spec) else getattr(value, "graph", value)
    except HRNetGraphError as error:
        return f"<pre>{escape(str(error))}</pre>"
    assert isinstance(graph, Graph)
    report = analyze(graph)
    outputs = ", ".join(f"{name}: {times(graph[path].type.shape)}" for name, path in graph.outputs)
    rows = (
        ("input", times(graph.input.type.shape)),
        ("output", outputs),
        ("params", f"{report.params:,}"),
        ("MACs", f"{report.macs:,}"),
        ("operations", f"{len(graph.nodes):,}"),
    )
    return f"<div><strong>{escape(graph.name)}</strong>{_table(rows)}{_figure(graph)}</div>"


def html_of_picture(picture: Image.Image, words: str) -> str:
    """A picture, made smaller if it is large, as HTML; the words stand in where none is shown."""
    small = picture.copy()
    small.thumbnail((MAX_SIDE, MAX_SIDE))
    file = io.BytesIO()
    small.save(file, "png")
    return _image("png", file.getvalue(), words)


def _counts(report: Report) -> str:
    """Counts by stage, and the total."""
    costs = {**report.by("stage"), "total": report.total}
    rows = [(part, *(f"{n:,}" for n in cost.as_dict().values())) for part, cost in costs.items()]
    title = f"{report.graph.name}, {times(report.graph.input.type.shape)}"
    heading = ("", *(SPELT.get(count, count) for count in COUNTS))
    return f"<div><strong>{escape(title)}</strong>{_table(rows, heading)}</div>"


def _table(rows: Iterable[Sequence[str]], heading: Sequence[str] = ()) -> str:
    """Rows whose first cell names them; under a heading stand numbers, at the right."""
    left, right = 'style="text-align: left"', 'style="text-align: right"' if heading else ""
    lines = ["".join(f"<th {right}>{escape(word)}</th>" for word in heading)] if heading else []
    for name, *cells in rows:
        others = "".join(f"<td {right}>{escape(cell)}</td>" for cell in cells)
        lines.append(f"<th {left}>{escape(name)}</th>{others}")
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _figure(graph: Graph) -> str:
    """The figure as an image in the page itself, or nothing."""
    try:
        drawn = to_svg(lay_out(graph)).encode()
    except Exception:  # whatever fails to be drawn, the totals are still shown
        return ""
    return _image("svg+xml", drawn, f"Figure of {graph.name}")


def _image(kind: str, content: bytes, words: str) -> str:
    source = f"data:image/{kind};base64,{b64encode(content).decode()}"
    style = "max-width: 100%; background: white"
    return f'<img src="{source}" alt="{escape(words)}" style="{style}">'
