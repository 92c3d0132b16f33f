"""Which parts of a graph a view draws as one, and which of them it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Literal

from hrnet_graph.choices import LEVELS, Level
from hrnet_graph.choices import VIEWS as VIEWS
from hrnet_graph.choices import ViewName as ViewName
from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.hierarchy import (
    View,
    boxes_at,
    collapse_to,
    convex_scopes,
    merge_boxes,
    prefixes,
)
from hrnet_graph.ir.ops import Concat, Sum

_NAMED = ("stem", "stage", "module", "transition", "head")
"""The kinds of scope that a message lists."""


def find_part(graph: Graph, name: str) -> str:
    """The path of the part that a user names; `@` and the backbone's prefix may be left out.

    Raises `HRNetGraphError`, with the nearest known name, if there is none.
    """
    paths = dict.fromkeys(prefix for node in graph.nodes for prefix in prefixes(node.path))
    names = {display_name(path): path for path in paths}
    names |= {display_name(path.removeprefix(graph.backbone_prefix)): path for path in paths}
    if name in paths:
        return name
    if name in names:
        return names[name]
    known = [display_name(scope.path) for scope in graph.scopes if scope.kind in _NAMED]
    raise HRNetGraphError(
        f"no part {quoted(name)} in {quoted(graph.name)}{did_you_mean(name, known)}"
    )


def display_name(path: str) -> str:
    """A path as people say it: `@head.aux_head` -> `head.aux_head`."""
    return path.replace("@", "")


def boxes_of(graph: Graph, view: Level | Literal["figure"], expand: Iterable[str]) -> set[str]:
    """The scopes that a view draws as one box, once the parts `expand` are opened."""
    boxes = figure_boxes(graph) if view == "figure" else boxes_at(graph, view)
    for path in expand:
        boxes = open_box(graph, boxes, path)
    return boxes


def figure_boxes(graph: Graph) -> set[str]:
    """The scopes that are one feature map, or one run of them, in the paper's figures.

    Runs of residual units, transitions and fuses by branch; in a head, what has one result.
    """
    boxes = {s.path for s in graph.scopes if s.kind in ("stem", "branch", "fuse", "block")}
    filled = {prefix for path in boxes for prefix in prefixes(path)}
    modules = [s.path for s in graph.scopes if s.kind == "module"]
    for scope in graph.scopes:
        plain = scope.kind == "stage" and not any(under(path, scope.path) for path in modules)
        if plain or (scope.kind in ("transition", "module") and scope.path not in filled):
            boxes.add(scope.path)
    heads = [s.path for s in graph.scopes if s.kind == "head"]
    for path, members in convex_scopes(graph).items():
        inside = any(under(path, head) for head in heads)
        if inside and len(results(graph, members)) == 1:
            boxes.add(path)
    return boxes


def figure_view(graph: Graph, boxes: set[str], stride: Mapping[str, Fraction]) -> View:
    """The graph collapsed as in the paper's figures.

    What brings a map to another resolution for a sum or a concatenation alone is the arrow there,
    and a view of a tensor is that tensor.
    """
    view = collapse_to(graph, boxes)
    source_of, reader_of = _only_ones(view)
    outputs = set(graph.output_paths)
    into: dict[str, str] = {}
    for path, box in view.boxes.items():
        source, reader = source_of.get(path), reader_of.get(path)
        if source is None or any(node.path in outputs for node in box.nodes):
            continue
        resized = stride[box.nodes[-1].path] != stride[box.nodes[0].inputs[0]]
        gathering = graph.node_at.get(reader or "")
        if gathering is not None and resized and isinstance(gathering.op, Sum | Concat):
            into[path] = gathering.path
        elif path in graph.node_at and graph[path].op.is_view and reader_of.get(source) == path:
            into.setdefault(path, into.get(source, source))
    return merge_boxes(view, into)


def _only_ones(view: View) -> tuple[dict[str, str], dict[str, str]]:
    """Box -> the one box that it reads, and box -> the one that reads it, where there is one."""
    sources: dict[str, set[str]] = {}
    readers: dict[str, set[str]] = {}
    for source, target in view.edges:
        sources.setdefault(target, set()).add(source)
        readers.setdefault(source, set()).add(target)
    return _alone(sources), _alone(readers)


def _alone(ends: Mapping[str, set[str]]) -> dict[str, str]:
    return {path: min(found) for path, found in ends.items() if len(found) == 1}


def results(graph: Graph, members: Sequence[Node]) -> list[Node]:
    """The nodes of a part that something outside it reads, or that are outputs."""
    inside = {node.path for node in members}
    outputs = set(graph.output_paths)
    return [
        node
        for node in members
        if node.path in outputs or not inside.issuperset(graph.readers[node.path])
    ]


def open_box(graph: Graph, boxes: set[str], path: str) -> set[str]:
    """The boxes with `path` opened by one level, and whatever closes it in."""
    while around := [prefix for prefix in prefixes(path) if prefix in boxes]:
        boxes = _open_box(graph, boxes, around[0])
    outer = {b for b in boxes if under(b, path) and not any(p in boxes for p in prefixes(b))}
    for box in {path} if path in boxes else outer:
        boxes = _open_box(graph, boxes, box)
    return boxes


def _open_box(graph: Graph, boxes: set[str], box: str) -> set[str]:
    """The boxes with one of them replaced by the coarsest parts inside it."""
    inside = ({b for b in boxes_at(graph, level) if under(b, box)} for level in LEVELS)
    children: set[str] = next(filter(None, inside), set())
    return {b for b in boxes if b != box and not under(b, box)} | children


def under(path: str, part: str) -> bool:
    """Whether a path lies inside a part."""
    return path.startswith(f"{part}.")
