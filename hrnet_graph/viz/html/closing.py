"""Which scopes can be closed to one box, whatever else is open or closed."""

from __future__ import annotations

from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.hierarchy import LEVELS, acyclic_boxes, boxes_at, convex_scopes


def openings(graph: Graph) -> dict[str, int]:
    """Scope path -> at how many levels, from `stage` on, it is one box; only what can be closed.

    Any choice of open and closed scopes gives boxes without a cycle: a cycle of boxes would also be
    one among the parts of the innermost scope around it, and `_acyclic` leaves none there.
    """
    levels = {
        path: number
        for number, level in enumerate(LEVELS, start=1)
        for path in boxes_at(graph, level)
    }
    closed = levels.keys() & convex_scopes(graph).keys()
    closed = _acyclic(graph.order, "", closed)
    return {path: levels[path] for path in levels if path in closed}


def _acyclic(nodes: tuple[Node, ...], around: str, closed: set[str]) -> set[str]:
    """`closed` without the scopes that would lie on a cycle of boxes when `around` is open."""
    inside = {path for path in closed if path.startswith(around)}
    box_of = acyclic_boxes(nodes, inside)
    members: dict[str, list[Node]] = {}
    for node in nodes:
        if box_of[node.path] != node.path:
            members.setdefault(box_of[node.path], []).append(node)
    sound = set(members)
    for path, part in members.items():
        nested = {inner for inner in inside if inner.startswith(f"{path}.")}
        if nested:
            sound |= _acyclic(tuple(part), f"{path}.", nested)
    return sound
