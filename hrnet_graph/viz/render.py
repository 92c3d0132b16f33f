"""A graph drawn to a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hrnet_graph.errors import FileError, shown
from hrnet_graph.files import whole_file, write_text
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.hierarchy import Level
from hrnet_graph.viz.dot import to_dot
from hrnet_graph.viz.engine import FORMATS, draw
from hrnet_graph.viz.html.page import to_html
from hrnet_graph.viz.mermaid import to_mermaid
from hrnet_graph.viz.model_explorer import to_model_explorer

TEXTS: Mapping[str, Callable[[Graph], str]] = {
    ".html": to_html,
    ".mmd": to_mermaid,
    ".json": to_model_explorer,
}
"""File suffix -> what writes the graph as text that another program draws."""

SUFFIXES = (*(f".{format}" for format in FORMATS), ".dot", *TEXTS)


def render(graph: Graph, path: str | Path, *, view: Level = "module") -> Path:
    """Draws a graph by the file's suffix: svg, png, pdf or dot, collapsed to `view`.

    `.html` is a page with all levels, `.mmd` the stages as Mermaid, `.json` is for Model Explorer.
    Raises `FileError` if the suffix is another one or the file cannot be written.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        expected = ", ".join(SUFFIXES)
        raise FileError(
            f"expected a file name that ends in one of {expected}, got {shown(str(path), 200)}"
        )
    if suffix in TEXTS:
        write_text(target, TEXTS[suffix](graph))
        return target
    dot = to_dot(graph, view)
    with whole_file(target) as draft:
        draft.write_bytes(dot.encode() if suffix == ".dot" else draw(dot, suffix[1:]))
    return target
