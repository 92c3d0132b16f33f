"""A graph drawn to a file."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Unpack

from hrnet_graph.checks import A_GRAPH, check_kind
from hrnet_graph.choices import DRAWN, FIGURES, FONT, ViewName
from hrnet_graph.errors import FileError, quoted
from hrnet_graph.files import check_suffix, check_writable, write_bytes, write_text
from hrnet_graph.ir.graph import Graph
from hrnet_graph.viz.compare import compare_scenes
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.drawing import Drawing
from hrnet_graph.viz.html.page import to_html
from hrnet_graph.viz.layout.compose import compose
from hrnet_graph.viz.look import Look, LookOptions
from hrnet_graph.viz.mermaid import to_mermaid
from hrnet_graph.viz.model_explorer import to_model_explorer
from hrnet_graph.viz.to_dot import to_dot
from hrnet_graph.viz.to_pdf import to_pdf
from hrnet_graph.viz.to_png import PRINTED, RESOLUTION, fitting, to_png
from hrnet_graph.viz.to_svg import to_svg

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
    fold: bool = False,
    **look: Unpack[LookOptions],
) -> Path:
    """Draws a graph by the file's suffix: as svg, png, pdf or dot, or for another viewer.

    `view` says how: `figure` as the papers do, `fuse` one fuse unit in detail, or the graph
    collapsed to `stage`, `module`, `block` or `op`. `only` one part is drawn, or those of `expand`
    are opened by one level; `fold` draws modules that repeat one another once, with their number.
    What else there is to choose, `Look` says.

    `.html` is a page with all levels, `.mmd` the stages as Mermaid, `.json` is for Model Explorer:
    all three are of the whole network and take no other choices.

    Raises `FileError` if the suffix is another one or the file cannot be written, and
    `HRNetGraphError` if a part or a choice is none; warns if no font has a character, and if a png
    would be too large and has fewer pixels an inch.

    Example:
        >>> graph = hg.build_graph("hrnet_w18_small_v1_cls")
        >>> hg.render(graph, "fuse.svg", view="fuse", only="stage3.0", width="single").name
        'fuse.svg'
    """
    check_kind("render", graph, Graph, A_GRAPH)
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix in TEXTS:
        if view != "figure" or only or expand or fold or Look(**look) != Look():
            raise FileError(f"{suffix} is of the whole network and takes no options of figures")
        write_text(target, TEXTS[suffix](graph))
        return target
    chosen = Look(**look)
    check_suffix(target, FIGURES)
    check_writable(target)
    _check_dpi(target, chosen)
    return _write(target, lay_out(graph, view, only, expand, chosen, fold), chosen)


def render_difference(
    before: Graph, after: Graph, path: str | Path, **look: Unpack[LookOptions]
) -> Path:
    """Draws two graphs in one figure, what is added, removed and changed marked; as `render`."""
    target, chosen = Path(path), Look(**look)
    check_suffix(target, DRAWN)
    check_writable(target)
    _check_dpi(target, chosen)
    return _write(target, compose(compare_scenes(before, after, chosen), chosen), chosen)


def _check_dpi(target: Path, look: Look) -> None:
    if look.dpi is not None and target.suffix.lower() != ".png":
        raise FileError(f"dpi is for .png alone, got {target.suffix}")


def _write(target: Path, drawing: Drawing, look: Look) -> Path:
    """Writes a drawing by the file's suffix, and warns of characters that no font here has."""
    lacking = drawing.font.lacks(line for label in drawing.labels for line in label.lines)
    if lacking:
        fonts = dict.fromkeys((drawing.font.name, FONT))
        lack = f"{' and '.join(fonts)} {'lack' if len(fonts) > 1 else 'lacks'} characters"
        said = (
            f"{lack} of this figure; squares stand for {quoted(lacking)}: choose a font with them"
        )
        warnings.warn(said, stacklevel=3)
    suffix = target.suffix.lower()
    if suffix in (".svg", ".dot"):
        write_text(target, to_svg(drawing) if suffix == ".svg" else to_dot(drawing))
        return target
    if suffix == ".pdf":
        write_bytes(target, to_pdf(drawing))
        return target
    asked = look.dpi or (PRINTED if look.width else RESOLUTION)
    fits = fitting(drawing, asked)
    if fits < asked:
        said = f"a png would be too large: it has {fits:.0f} pixels an inch in place of {asked:g}"
        warnings.warn(f"{said}; an svg or a pdf is whole at any size", stacklevel=3)
    write_bytes(target, to_png(drawing, fits))
    return target
