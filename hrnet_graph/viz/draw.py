"""A graph, seen in one of the views, as a drawing."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.choices import VIEWS, ViewName
from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.hierarchy import collapse_to
from hrnet_graph.viz.drawing import Drawing
from hrnet_graph.viz.fuse import fuse_scene
from hrnet_graph.viz.layout.compose import compose
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.scene import Scene
from hrnet_graph.viz.scene_builder import SceneBuilder
from hrnet_graph.viz.select import figure_view, find_part, open_box, under, view_boxes, within


def lay_out(
    graph: Graph,
    view: ViewName = "figure",
    only: str = "",
    expand: Sequence[str] = (),
    look: Look | None = None,
) -> Drawing:
    """The graph, seen in a view, as a drawing: of `only` one part, or with parts opened."""
    look = look or Look()
    return compose(scene_of(graph, view, only, expand, look), look)


def scene_of(graph: Graph, view: ViewName, only: str, expand: Sequence[str], look: Look) -> Scene:
    """What a view shows. Raises `HRNetGraphError` if a part or the view is none."""
    if view not in VIEWS:
        raise HRNetGraphError(f"unknown view {quoted(view)}{did_you_mean(view, VIEWS)}")
    part = find_part(graph, only) if only else ""
    maps = view in ("figure", "fuse")
    builder = SceneBuilder(graph, look.labels, maps, symbolic=maps and look.labels == "symbolic")
    if view == "fuse":
        return fuse_scene(builder, part)
    boxes = view_boxes(graph, view)
    for name in expand:
        boxes = open_box(graph, boxes, find_part(graph, name))
    if part and (part in boxes or not any(under(box, part) for box in boxes)):
        boxes = open_box(graph, boxes, part)
    if view == "figure":
        whole = figure_view(graph, boxes, builder.strides)
        if not part or any(within(path, part) for path in whole.boxes):
            return builder.scene(whole, part)
    return builder.scene(collapse_to(graph, boxes), part)
