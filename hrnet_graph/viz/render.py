"""A graph drawn to a file."""

from __future__ import annotations

from pathlib import Path

from hrnet_graph.errors import FileError, shown
from hrnet_graph.files import whole_file
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.hierarchy import Level
from hrnet_graph.viz.dot import to_dot
from hrnet_graph.viz.engine import FORMATS, draw

SUFFIXES = (*(f".{format}" for format in FORMATS), ".dot")


def render(graph: Graph, path: str | Path, *, view: Level = "module") -> Path:
    """Draws a graph, collapsed to `view`, as svg, png, pdf or dot, by the file's suffix.

    Raises `FileError` if the suffix is another one or the file cannot be written.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        expected = ", ".join(SUFFIXES)
        raise FileError(
            f"expected a file name that ends in one of {expected}, got {shown(str(path), 200)}"
        )
    dot = to_dot(graph, view)
    with whole_file(target) as draft:
        draft.write_bytes(dot.encode() if suffix == ".dot" else draw(dot, suffix[1:]))
    return target
