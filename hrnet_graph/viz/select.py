"""Which parts of a graph a view draws as one, and which of them it shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import pairwise

from hrnet_graph.analysis.cost import Cost
from hrnet_graph.choices import LEVELS, ViewName
from hrnet_graph.errors import HRNetGraphError, nearest, quoted
from hrnet_graph.ir.graph import Graph, display_name
from hrnet_graph.ir.hierarchy import (
    Box,
    View,
    boxes_at,
    collapse_to,
    convex_scopes,
    heads_of,
    merge_boxes,
    prefixes,
    results_of,
)
from hrnet_graph.ir.ops import Addition, Concat

_NAMED = ("stem", "stage", "module", "transition", "head")
"""The kinds of scope that a message lists."""


def find_part(graph: Graph, name: str) -> str:
    """The path of the part that a user names; `@` and the backbone's prefix may be left out.

    `stage1` is the first stage, whatever its layers are published as: `layer1`; and what weights
    are called, `offset_feature_layers.3`, is the part that holds them, if it is one.

    Raises `HRNetGraphError`, with the nearest known name, if there is none.
    """
    paths = dict.fromkeys(prefix for node in graph.nodes for prefix in prefixes(node.path))
    stages = (scope.path for scope in graph.scopes if scope.kind == "stage" and scope.path in paths)
    names = _by_key(paths) | {f"stage{number}": path for number, path in enumerate(stages, 1)}
    names |= {display_name(path): path for path in paths}
    names |= {display_name(path.removeprefix(graph.backbone_prefix)): path for path in paths}
    names |= {path: path for path in paths}
    if name in names:
        return names[name]
    scopes = (scope for scope in graph.scopes if scope.kind in _NAMED and scope.path in paths)
    within_heads = (path for path in paths if path.rpartition(".")[0] in heads_of(graph))
    known = [display_name(path) for path in (*(s.path for s in scopes), *within_heads)]
    close = nearest(name, known) or nearest(name, names)
    problem = f"no part {quoted(name)} in {quoted(graph.name)}{close}"
    raise HRNetGraphError(f"{problem} (known: {', '.join(known)})")


def _by_key(paths: Iterable[str]) -> dict[str, str]:
    """Paths by their names without what no key has, `@head`, and by the last of what has no key,
    where these are of one alone.
    """
    found: dict[str, list[str]] = {}
    for path in paths:
        parts = path.split(".")
        named = [part for part in parts if not part.startswith("@")]
        own = parts[-1][1:] if parts[-1].startswith("@") else ".".join(named)
        found.setdefault(own, []).append(path)
    return {name: same[0] for name, same in found.items() if len(same) == 1}


def kind_of(box: Box) -> str:
    """What a box is: the kind of its scope, or `input`, or `op`."""
    if box.scope is not None:
        return box.scope.kind
    return "op" if box.nodes[0].inputs else "input"


def within(path: str, part: str) -> bool:
    """Whether a path is a part or lies inside it."""
    return f"{path}.".startswith(f"{part}.")


def under(path: str, part: str) -> bool:
    """Whether a path lies inside a part."""
    return path.startswith(f"{part}.")


def figure_boxes(graph: Graph) -> set[str]:
    """The scopes that are one feature map, or one run of them, in the paper's figures.

    Runs of residual units, transitions and fuses by branch, and what a block of all branches does
    to each; in a head, what has one result.
    """
    boxes = {s.path for s in graph.scopes if s.kind in ("stem", "branch", "fuse", "block")}
    filled = {prefix for path in boxes for prefix in prefixes(path)}
    modules = {prefix for s in graph.scopes if s.kind == "module" for prefix in prefixes(s.path)}
    boxes |= {s.path for s in graph.scopes if s.kind == "stage" and s.path not in modules}
    boxes |= {s.path for s in graph.scopes if s.kind in ("transition", "module")} - filled
    branches = [s.path for s in graph.scopes if s.kind == "branch"]
    joint = {prefix for path in branches for prefix in prefixes(path)}
    boxes -= {s.path for s in graph.scopes if s.kind == "block" and s.path in joint}
    return boxes | _head_parts(graph)


def view_boxes(graph: Graph, view: ViewName) -> set[str]:
    """The scopes that are one box in a view; a head's blocks are its parts in the figure."""
    if view == "figure":
        return figure_boxes(graph)
    assert view != "fuse"
    level = "op" if view == "layer" else view
    return boxes_at(graph, level) | (_head_parts(graph) if view == "block" else set())


def _head_parts(graph: Graph) -> set[str]:
    """The scopes of heads that have one result."""
    heads = heads_of(graph)
    return {
        path
        for path, members in convex_scopes(graph).items()
        if any(under(path, head) for head in heads) and len(results_of(graph, members)) == 1
    }


def figure_view(graph: Graph, boxes: set[str], stride: Mapping[str, Fraction]) -> View:
    """The graph collapsed as in the paper's figures.

    What brings a map to another resolution for a sum or a concatenation alone is the arrow there,
    a view of a tensor is that tensor, and the stem is drawn step by step.
    """
    view = collapse_to(graph, boxes)
    read, readers = (Counter(pair[end] for pair in view.edges) for end in (1, 0))
    source_of = {target: source for source, target in view.edges if read[target] == 1}
    reader_of = {source: target for source, target in view.edges if readers[source] == 1}
    into: dict[str, str] = {}
    for path, box in view.boxes.items():
        if path not in source_of or any(node.path in graph.output_paths for node in box.nodes):
            continue
        source = source_of[path]
        resized = stride[box.nodes[-1].path] != stride[box.nodes[0].inputs[0]]
        gathering = graph.node_at.get(reader_of.get(path, ""))
        if gathering is not None and resized and isinstance(gathering.op, Addition | Concat):
            into[path] = gathering.path
        elif path in graph.node_at and graph[path].op.is_view and reader_of.get(source) == path:
            into[path] = into.get(source, source)
    return merge_boxes(view, into | _stem_steps(view, stride))


def layer_view(view: View, costs: Mapping[str, Cost]) -> View:
    """The view with every operation that takes no MACs drawn as part of the one that it follows.

    Where that has no other reader, no other result of its own, and a result of the same shape.
    """
    first: dict[str, str] = {}
    for node in view.graph.operations:
        source = view.graph[node.inputs[0]]
        alone = len(node.inputs) == len(view.graph.readers[source.path]) == 1
        is_shown = source.path in view.graph.output_paths or not source.inputs
        if alone and not is_shown and not costs[node.path].macs and source.type == node.type:
            first[node.path] = first.get(source.path, source.path)
    return merge_boxes(view, first)


def _stem_steps(view: View, stride: Mapping[str, Fraction]) -> dict[str, str]:
    """Node of the stem -> the first node of its resolution, which stands for them all.

    Nothing where the stem is more than a chain that lowers the resolution.
    """
    stems = (box for box in view.boxes.values() if box.scope and box.scope.kind == "stem")
    steps: dict[str, str] = {}
    for box in stems:
        pairs = pairwise(box.nodes)
        if any(b.inputs != (a.path,) or stride[b.path] < stride[a.path] for a, b in pairs):
            continue
        first: dict[Fraction, str] = {}
        for node in box.nodes:
            steps[node.path] = first.setdefault(stride[node.path], node.path)
    return steps


def open_box(graph: Graph, boxes: set[str], path: str) -> set[str]:
    """The boxes with `path` opened by one level, and whatever closes it in."""
    while around := next((prefix for prefix in prefixes(path) if prefix in boxes), ""):
        boxes = _split(graph, boxes, around)
    outer = {b for b in boxes if under(b, path) and boxes.isdisjoint(prefixes(b))}
    for box in {path} & boxes or outer:
        boxes = _split(graph, boxes, box)
    return boxes


def _split(graph: Graph, boxes: set[str], box: str) -> set[str]:
    """The boxes with one of them replaced by the coarsest parts inside it."""
    inside = ({b for b in boxes_at(graph, level) if under(b, box)} for level in LEVELS)
    return {b for b in boxes if not within(b, box)} | next(filter(None, inside), set())
