"""Two networks in one figure: what the second adds, what it drops, and what it changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from hrnet_graph.ir.graph import Graph
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.scene import Group, Link, Part, Scene
from hrnet_graph.viz.scene_builder import SceneBuilder
from hrnet_graph.viz.select import figure_boxes, figure_view


def compare_scenes(a: Graph, b: Graph, look: Look) -> Scene:
    """The union of two networks' figures, by path; `a` is the one before, `b` the one after."""
    (before, old_boxes), (after, new_boxes) = (_read(_without_prefix(x), look) for x in (a, b))
    changed = {path for path, held in old_boxes.items() if held != new_boxes.get(path)}
    parts = (before.part_at | after.part_at).values()
    old = {g.path: g.members for g in before.groups}
    return replace(
        after,
        title=f"{before.title} → {after.title}" if before.title != after.title else after.title,
        totals=f"{before.totals} → {after.totals}",
        parts=tuple(_mark(part, before, after, changed) for part in parts),
        links=tuple(_links(before, after)),
        groups=tuple(
            replace(g, members=g.members | old.get(g.path, frozenset()))
            for g in _in_order(before.groups, after.groups)
        ),
        rows=dict(sorted({**before.rows, **after.rows}.items())),
    )


def _in_order(before: Sequence[Group], after: Sequence[Group]) -> list[Group]:
    """The groups of both, in the second's order; those of the first alone follow what they did."""
    order = [group.path for group in after]
    at = {group.path: group for group in (*before, *after)}
    place = 0
    for group in before:
        if group.path not in order:
            order.insert(place, group.path)
        place = order.index(group.path) + 1
    return [at[path] for path in order]


def _without_prefix(graph: Graph) -> Graph:
    """The graph without its backbone's prefix, so that two networks have names in common."""

    def name(path: str) -> str:
        return path.removeprefix(graph.backbone_prefix)

    return replace(
        graph,
        nodes=tuple(
            replace(node, path=name(node.path), inputs=tuple(map(name, node.inputs)))
            for node in graph.nodes
        ),
        outputs=tuple((output, name(path)) for output, path in graph.outputs),
        scopes=tuple(replace(scope, path=name(scope.path)) for scope in graph.scopes),
    )


def _read(graph: Graph, look: Look) -> tuple[Scene, dict[str, object]]:
    """A network's scene, and what every part computes, whatever the size of the image."""
    builder = SceneBuilder(graph, look.labels, maps=True, symbolic=False, whole=graph)
    view = figure_view(graph, figure_boxes(graph), builder.strides)
    return builder.scene(view), {
        path: [(node.key, node.op, node.type.channels) for node in box.nodes]
        for path, box in view.boxes.items()
    }


def _mark(part: Part, before: Scene, after: Scene, changed: set[str]) -> Part:
    """A part with how it differs; where it says something else, both."""
    ours, theirs = before.part_at.get(part.path), after.part_at.get(part.path)
    if ours is None or theirs is None:
        return replace(part, mark="added" if ours is None else "removed")
    if part.path not in changed and ours.lines == theirs.lines:
        return part
    pairs = zip(ours.lines, theirs.lines, strict=False)
    lines = tuple(x if x == y else f"{x} → {y}" for x, y in pairs)
    return replace(part, mark="changed", lines=lines or theirs.lines)


def _links(before: Scene, after: Scene) -> Iterable[Link]:
    """The links of both; those of one alone are marked.

    A link that only the first network has is left out where it would close a circle with the
    second's.
    """
    import networkx as nx  # a figure of one network never needs it

    ours = {(link.source, link.target): link for link in before.links}
    theirs = {(link.source, link.target): link for link in after.links}
    flow: nx.DiGraph[str] = nx.DiGraph()
    for ends, link in theirs.items():
        flow.add_edge(link.source, link.target)
        yield link if ends in ours else replace(link, mark="added")
    for ends, link in ours.items():
        if ends in theirs:
            continue
        known = link.source in flow and link.target in flow
        if not known or not nx.has_path(flow, link.target, link.source):
            flow.add_edge(link.source, link.target)
            yield replace(link, mark="removed")
