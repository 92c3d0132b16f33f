"""A graph drawn to a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from hrnet_graph.checks import A_GRAPH, check_kind
from hrnet_graph.choices import ViewName
from hrnet_graph.errors import FileError
from hrnet_graph.files import check_suffix, check_writable, write_bytes, write_text
from hrnet_graph.ir.graph import Graph
from hrnet_graph.viz.compare import compare_scenes
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.drawing import Drawing
from hrnet_graph.viz.engine import PRINTED, RESOLUTION, run_graphviz
from hrnet_graph.viz.html.page import to_html
from hrnet_graph.viz.layout.compose import compose
from hrnet_graph.viz.look import Look, LookOptions
from hrnet_graph.viz.mermaid import to_mermaid
from hrnet_graph.viz.model_explorer import to_model_explorer
from hrnet_graph.viz.to_dot import to_dot

DRAWN = (".svg", ".png", ".pdf", ".dot")
"""The suffixes of what Graphviz draws, and of what it draws from."""

TEXTS: Mapping[str, Callable[[Graph], str]] = {
    ".html": to_html,
    ".mmd": to_mermaid,
    ".json": to_model_explorer,
}
"""File suffix -> what writes the graph as text that another program draws."""


def render(
    graph: Graph,
    path: str | Path,
    *,
    view: ViewName = "figure",
    only: str = "",
    expand: Sequence[str] = (),
    **look: Unpack[LookOptions],
) -> Path:
    """Draws a graph by the file's suffix: as svg, png, pdf or dot, or for another viewer.

    `view` says how: `figure` as the papers do, `fuse` one fuse unit in detail, or the graph
    collapsed to `stage`, `module`, `block` or `op`. `only` one part is drawn, or those of `expand`
    are opened by one level. What else there is to choose, `Look` says.

    `.html` is a page with all levels, `.mmd` the stages as Mermaid, `.json` is for Model Explorer:
    all three are of the whole network and take no other choices.

    Raises `FileError` if the suffix is another one or the file cannot be written, and
    `HRNetGraphError` if a part or a choice is none.

    Example:
        >>> graph = hg.build_graph("hrnet_w18_small_v1_cls")
        >>> hg.render(graph, "fuse.svg", view="fuse", only="stage3.0", width="single").name
        'fuse.svg'
    """
    check_kind("render", graph, Graph, A_GRAPH)
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix in TEXTS:
        if view != "figure" or only or expand or Look(**look) != Look():
            raise FileError(f"{suffix} is of the whole network and takes no options of figures")
        write_text(target, TEXTS[suffix](graph))
        return target
    chosen = Look(**look)
    check_suffix(target, (*DRAWN, *TEXTS))
    check_writable(target)
    return _write(target, lay_out(graph, view, only, expand, chosen), chosen)


def render_difference(
    before: Graph, after: Graph, path: str | Path, **look: Unpack[LookOptions]
) -> Path:
    """Draws two graphs in one figure, what is added, removed and changed marked; as `render`."""
    target, chosen = Path(path), Look(**look)
    check_suffix(target, DRAWN)
    check_writable(target)
    return _write(target, compose(compare_scenes(before, after, chosen), chosen), chosen)


def _write(target: Path, drawing: Drawing, look: Look) -> Path:
    """Writes a drawing by the file's suffix. Graphviz rounds an svg's scale: it is set after."""
    suffix = target.suffix.lower()
    if suffix == ".dot":
        data = to_dot(drawing).encode()
    elif suffix == ".svg" and drawing.scale != 1:
        svg = run_graphviz(to_dot(replace(drawing, scale=1.0)), "svg")
        sides = b'<svg width="%.2fpt" height="%.2fpt"' % drawing.size
        data = re.sub(rb'<svg width="[^"]*" height="[^"]*"', sides, svg, count=1)
    else:
        data = run_graphviz(to_dot(drawing), suffix[1:], PRINTED if look.width else RESOLUTION)
    write_bytes(target, data)
    return target
