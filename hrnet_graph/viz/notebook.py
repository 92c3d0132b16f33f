"""A network as a piece of HTML for a notebook: title, totals and figure."""

from __future__ import annotations

from base64 import b64encode
from html import escape

from hrnet_graph.analysis.cost import analyze
from hrnet_graph.compiler.build import build_graph
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir.graph import Graph
from hrnet_graph.spec.schema import Spec
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.text_metrics import times
from hrnet_graph.viz.to_svg import to_svg


def html_of(value: object) -> str:
    """A spec, a graph or a network (which has a graph) as HTML; a spec that makes none, as why.

    The figure is left out where it cannot be drawn. It holds no script, and its names are text
    inside an image, so that nothing in it can reach the notebook.
    """
    try:
        graph = build_graph(value) if isinstance(value, Spec) else getattr(value, "graph", value)
    except HRNetGraphError as error:
        return f"<pre>{escape(str(error))}</pre>"
    assert isinstance(graph, Graph)
    report = analyze(graph)
    outputs = ", ".join(f"{name}: {times(graph[path].type.shape)}" for name, path in graph.outputs)
    rows = {
        "input": times(graph.input.type.shape),
        "output": outputs,
        "params": f"{report.params:,}",
        "MACs": f"{report.macs:,}",
        "operations": f"{len(graph.nodes):,}",
    }
    cells = "".join(
        f'<tr><th style="text-align: left">{term}</th><td>{escape(value)}</td></tr>'
        for term, value in rows.items()
    )
    name = escape(graph.name)
    return f"<div><strong>{name}</strong><table>{cells}</table>{_figure(graph)}</div>"


def _figure(graph: Graph) -> str:
    """The figure as an image in the page itself, or nothing."""
    try:
        drawn = to_svg(lay_out(graph)).encode()
    except Exception:  # whatever fails to be drawn, the totals are still shown
        return ""
    source = f"data:image/svg+xml;base64,{b64encode(drawn).decode()}"
    style = "max-width: 100%; background: white"
    return f'<img src="{source}" alt="Figure of {escape(graph.name)}" style="{style}">'
