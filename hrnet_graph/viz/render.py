"""A graph drawn to a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Unpack

from hrnet_graph.errors import FileError, shown
from hrnet_graph.files import whole_file, write_text
from hrnet_graph.ir.graph import Graph
from hrnet_graph.viz.compare import compared
from hrnet_graph.viz.dot import to_dot
from hrnet_graph.viz.engine import FORMATS, draw
from hrnet_graph.viz.html.page import to_html
from hrnet_graph.viz.layout.compose import compose
from hrnet_graph.viz.look import Look, LookOptions
from hrnet_graph.viz.mermaid import to_mermaid
from hrnet_graph.viz.model_explorer import to_model_explorer
from hrnet_graph.viz.select import ViewName
from hrnet_graph.viz.write import write

DRAWN = (*(f".{format}" for format in FORMATS), ".dot")
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
    all three are of the whole network and take no options.

    Raises `FileError` if the suffix is another one or the file cannot be written, and
    `HRNetGraphError` if a part or a choice is none.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix in TEXTS:
        if only or expand or look:
            raise FileError(f"{suffix} is of the whole network and takes no options of figures")
        write_text(target, TEXTS[suffix](graph))
        return target
    dot = partial(to_dot, graph, view, only, expand, Look(**look))
    return _written(target, dot, (*DRAWN, *TEXTS))


def render_difference(
    before: Graph, after: Graph, path: str | Path, **look: Unpack[LookOptions]
) -> Path:
    """Draws two graphs in one figure, what is added, removed and changed marked; as `render`."""
    chosen = Look(**look)
    return _written(
        Path(path), lambda: write(compose(compared(before, after, chosen), chosen)), DRAWN
    )


def _written(target: Path, dot: Callable[[], str], known: Sequence[str]) -> Path:
    """Draws DOT to a file of a suffix that is known."""
    suffix = target.suffix.lower()
    if suffix not in DRAWN:
        got = shown(str(target), 200)
        raise FileError(f"expected a file name that ends in one of {', '.join(known)}, got {got}")
    text = dot()
    with whole_file(target) as draft:
        draft.write_bytes(text.encode() if suffix == ".dot" else draw(text, suffix[1:]))
    return target
