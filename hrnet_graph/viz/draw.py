"""A graph, seen in one of the views, as a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hrnet_graph.choices import VIEWS, ViewName
from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.hierarchy import collapse_to
from hrnet_graph.viz.drawing import Drawing
from hrnet_graph.viz.fold import fold_modules
from hrnet_graph.viz.fuse import fuse_scene
from hrnet_graph.viz.layout.compose import compose
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.scene import Scene
from hrnet_graph.viz.scene_builder import SceneBuilder
from hrnet_graph.viz.select import (
    figure_view,
    find_part,
    layer_view,
    open_box,
    under,
    view_boxes,
    within,
)


def lay_out(
    graph: Graph,
    view: ViewName = "figure",
    only: str = "",
    expand: Sequence[str] = (),
    look: Look | None = None,
    fold: bool = False,
) -> Drawing:
    """The graph, seen in a view, as a drawing: of `only` one part, with parts opened, or folded."""
    look = look or Look()
    look = replace(look, orientation=look.orientation or ("tb" if view == "layer" else "lr"))
    return compose(scene_of(graph, view, only, expand, look, fold), look)


def scene_of(
    graph: Graph,
    view: ViewName,
    only: str,
    expand: Sequence[str],
    look: Look,
    fold: bool = False,
) -> Scene:
    """What a view shows. Raises `HRNetGraphError` if a part or the view is none."""
    if view not in VIEWS:
        raise HRNetGraphError(f"unknown view {quoted(view)}{did_you_mean(view, VIEWS)}")
    part = find_part(graph, only) if only else ""
    opened = [find_part(graph, name) for name in expand]
    maps = view in ("figure", "fuse")
    named = [part, *opened] if part else opened
    folded, repeats = fold_modules(graph, named) if fold and view != "fuse" else (graph, {})
    symbolic = maps and look.labels == "symbolic"
    builder = SceneBuilder(
        folded, look.labels, maps, symbolic, graph, repeats, named=view != "layer"
    )
    if view == "fuse":
        return fuse_scene(builder, part)
    boxes = view_boxes(folded, view)
    for path in opened:
        boxes = open_box(folded, boxes, path)
    if part and (part in boxes or not any(under(box, part) for box in boxes)):
        boxes = open_box(folded, boxes, part)
    if view == "figure":
        shown = figure_view(folded, boxes, builder.strides)
        if not part or any(within(path, part) for path in shown.boxes):
            return builder.scene(shown, part)
    collapsed = collapse_to(folded, boxes)
    if view == "layer":
        collapsed = layer_view(collapsed, builder.report.nodes)
    return builder.scene(collapsed, part)
