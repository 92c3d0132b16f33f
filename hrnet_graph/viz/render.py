"""A graph drawn to a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Unpack

from hrnet_graph.errors import FileError, shown
from hrnet_graph.files import whole_file
from hrnet_graph.ir.graph import Graph
from hrnet_graph.viz.compare import compared
from hrnet_graph.viz.dot import to_dot
from hrnet_graph.viz.engine import FORMATS, draw
from hrnet_graph.viz.layout.compose import compose
from hrnet_graph.viz.look import Look, LookOptions
from hrnet_graph.viz.select import ViewName
from hrnet_graph.viz.write import write

SUFFIXES = (*(f".{format}" for format in FORMATS), ".dot")


def render(
    graph: Graph,
    path: str | Path,
    *,
    view: ViewName = "figure",
    only: str = "",
    expand: Sequence[str] = (),
    **look: Unpack[LookOptions],
) -> Path:
    """Draws a graph as svg, png, pdf or dot, by the file's suffix.

    `view` says how: `figure` as the papers do, `fuse` one fuse unit in detail, or the graph
    collapsed to `stage`, `module`, `block` or `op`. `only` one part is drawn, or those of `expand`
    are opened by one level. What else there is to choose, `Look` says.

    Raises `FileError` if the suffix is another one or the file cannot be written, and
    `HRNetGraphError` if a part or a choice is none.
    """
    return _written(path, lambda: to_dot(graph, view, only, expand, Look(**look)))


def render_difference(
    before: Graph, after: Graph, path: str | Path, **look: Unpack[LookOptions]
) -> Path:
    """Draws two graphs in one figure, what is added, removed and changed marked; as `render`."""
    chosen = Look(**look)
    return _written(path, lambda: write(compose(compared(before, after, chosen), chosen)))


def _written(path: str | Path, dot: Callable[[], str]) -> Path:
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        expected = ", ".join(SUFFIXES)
        raise FileError(
            f"expected a file name that ends in one of {expected}, got {shown(str(path), 200)}"
        )
    text = dot()
    with whole_file(target) as draft:
        draft.write_bytes(text.encode() if suffix == ".dot" else draw(text, suffix[1:]))
    return target
