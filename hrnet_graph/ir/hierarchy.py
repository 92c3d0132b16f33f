"""The hierarchy of scopes as a view over the flat graph: places, convexity, collapsing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from hrnet_graph.choices import LEVELS as LEVELS
from hrnet_graph.choices import Level as Level
from hrnet_graph.ir.graph import Graph, Node, Scope, ScopeKind, in_order, key_of

_BOXES: Mapping[Level, frozenset[ScopeKind]] = {
    "stage": frozenset({"stem", "stage", "transition", "head"}),
    "module": frozenset({"stem", "module", "transition", "head"}),
    "block": frozenset({"stem", "block", "fuse", "transition"}),
    "op": frozenset(),
}
"""The kinds of scope that are one box at each level."""


def heads_of(graph: Graph) -> list[str]:
    """The scope of the head; of several heads, that of each."""
    heads = [scope.path for scope in graph.scopes if scope.kind == "head"]
    return [path for path in heads if not any(other.startswith(f"{path}.") for other in heads)]


def boxes_at(graph: Graph, level: Level) -> set[str]:
    """The scopes that are one box at a level; a stage without modules counts as one module."""
    kinds = _BOXES[level]
    boxes = {scope.path for scope in graph.scopes if scope.kind in kinds - {"head"}}
    if "head" in kinds:
        boxes.update(heads_of(graph))
    if level == "module":
        parents = {box.rpartition(".")[0] for box in boxes}
        boxes |= {s.path for s in graph.scopes if s.kind == "stage" and s.path not in parents}
    return boxes


def prefixes(path: str, inside: str = "") -> Iterator[str]:
    """The scopes around a path, outermost first, within `inside`: `a.b.c` -> `a`, `a.b`."""
    end = path.find(".", len(inside) + 1 if inside else 0)
    while end != -1:
        yield path[:end]
        end = path.find(".", end + 1)


def place(path: str, scopes: Mapping[str, Scope]) -> str:
    """Where a node is, in words: `stage2.0 fuse 0`, `transition1 branch 2`, or the node's key."""
    around = [scopes[prefix] for prefix in prefixes(path) if prefix in scopes]
    if around and around[-1].kind == "fuse":
        return f"{around[-2].path} fuse {around[-1].branch}"
    if around and around[-1].kind == "branch" and around[-2].kind == "transition":
        return f"{around[-2].path} branch {around[-1].branch}"
    return key_of(path)


def branch_of(graph: Graph, path: str) -> int | None:
    """The branch that a node belongs to, by the innermost scope that says; 0 is the finest."""
    branch = None
    for prefix in prefixes(path):
        scope = graph.scope_at.get(prefix)
        if scope is not None and scope.branch is not None:
            branch = scope.branch
    return branch


def results_of(graph: Graph, members: Sequence[Node]) -> list[Node]:
    """What leaves a part: its nodes that are outputs, or that something outside of it reads."""
    inside = {node.path for node in members}
    return [
        node
        for node in members
        if node.path in graph.output_paths or not inside.issuperset(graph.readers[node.path])
    ]


def feature_paths(graph: Graph) -> tuple[str, ...]:
    """The maps that a network is good for besides its answer, finest first.

    Its outputs where those are maps, and else what its head reads of stem and stages.
    """
    if graph.returns == "list":
        return graph.output_paths
    heads = tuple(f"{scope.path}." for scope in graph.scopes if scope.kind == "head")
    found = results_of(graph, [n for n in graph.operations if not n.path.startswith(heads)])
    return tuple(sorted((n.path for n in found), key=lambda path: branch_of(graph, path) or 0))


def is_convex(members: set[str], order: Sequence[Node]) -> bool:
    """Whether no way through the graph leaves `members` and comes back.

    `order` is the part of the execution order from the first member to the last.
    """
    if len(order) == len(members):
        return True
    tainted: set[str] = set()
    for node in order:
        if node.path in members:
            if not tainted.isdisjoint(node.inputs):
                return False
        elif any(path in members or path in tainted for path in node.inputs):
            tainted.add(node.path)
    return True


def convex_scopes(graph: Graph) -> dict[str, tuple[Node, ...]]:
    """Every scope path that is convex, outermost first, with its nodes in execution order."""
    positions: dict[str, list[int]] = {}
    for position, node in enumerate(graph.order):
        for prefix in prefixes(node.path):
            positions.setdefault(prefix, []).append(position)
    convex = {}
    for path, at in positions.items():
        members = tuple(graph.order[i] for i in at)
        span = graph.order[at[0] : at[-1] + 1]
        if is_convex({node.path for node in members}, span):
            convex[path] = members
    return convex


@dataclass(frozen=True)
class Box:
    """A part of a collapsed graph: a scope with all its nodes, or a node alone."""

    path: str
    scope: Scope | None
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class View:
    """A graph collapsed to boxes: `edges` gives, from box to box, the tensors that flow."""

    graph: Graph
    boxes: Mapping[str, Box]
    edges: Mapping[tuple[str, str], tuple[Node, ...]]


def collapse(graph: Graph, level: Level) -> View:
    """The graph with every stage, module or block drawn as one box; `op` keeps every node."""
    return collapse_to(graph, boxes_at(graph, level))


def collapse_to(graph: Graph, boxes: AbstractSet[str]) -> View:
    """The graph with these scopes, the outermost first, drawn as one box each.

    A scope that is not convex stays open, and so does one that would close a cycle of boxes.
    """
    return _view(graph, acyclic_boxes(graph.order, boxes & convex_scopes(graph).keys()))


def acyclic_boxes(
    nodes: Sequence[Node], closed: AbstractSet[str], inside: str = ""
) -> dict[str, str]:
    """Node -> its box, the outermost closed scope within `inside`; what closes a cycle is open."""
    while True:
        box_of = {node.path: outermost(node.path, closed, inside) for node in nodes}
        cycle = cyclic_boxes(box_sources(nodes, box_of))
        if not cycle:
            return box_of
        closed = closed - cycle


def merge_boxes(view: View, into: Mapping[str, str]) -> View:
    """The view with some boxes or nodes, the keys of `into`, drawn as parts of others."""
    box_of = {
        node.path: into.get(node.path, into.get(box.path, box.path))
        for box in view.boxes.values()
        for node in box.nodes
    }
    return _view(view.graph, box_of)


def outermost(path: str, closed: AbstractSet[str], inside: str = "") -> str:
    """The outermost scope around `path`, within `inside`, that is closed, or the path itself."""
    return next((prefix for prefix in prefixes(path, inside) if prefix in closed), path)


def box_sources(nodes: Iterable[Node], box_of: Mapping[str, str]) -> dict[str, set[str]]:
    """Box -> the other boxes that it reads from, in order of first appearance."""
    sources: dict[str, set[str]] = {}
    for node in nodes:
        box = box_of[node.path]
        read = sources.setdefault(box, set())
        for path in node.inputs:
            source = box_of.get(path, box)
            if source != box:
                read.add(source)
    return sources


def cyclic_boxes(sources: Mapping[str, set[str]]) -> set[str]:
    """The boxes that lie on a cycle of boxes; none in a sound collapse."""
    if in_order(sources):
        return set()
    readers: dict[str, list[str]] = {}
    for box, read in sources.items():
        for source in read:
            readers.setdefault(source, []).append(box)
    done, seen = list[str](), set[str]()
    for box in sources:
        done += _reached(box, sources, seen)
    found, seen = set[str](), set()
    for box in reversed(done):
        part = _reached(box, readers, seen)  # all that it reads from, and that reads from it
        found |= set(part) if len(part) > 1 else set()
    return found


def _reached(start: str, ways: Mapping[str, Iterable[str]], seen: set[str]) -> list[str]:
    """What is not yet seen on the ways from a start, each after what its own ways lead to."""
    if start in seen:
        return []
    seen.add(start)
    found, trail = [], [(start, iter(ways.get(start, ())))]
    while trail:
        box, rest = trail[-1]
        further = next((other for other in rest if other not in seen), None)
        if further is None:
            found.append(box)
            trail.pop()
        else:
            seen.add(further)
            trail.append((further, iter(ways.get(further, ()))))
    return found


def _view(graph: Graph, box_of: Mapping[str, str]) -> View:
    members: dict[str, list[Node]] = {}
    flows: dict[tuple[str, str], dict[str, Node]] = {}
    for node in graph.order:
        target = box_of[node.path]
        members.setdefault(target, []).append(node)
        for path in node.inputs:
            if box_of[path] != target:
                flows.setdefault((box_of[path], target), {})[path] = graph[path]
    boxes = {
        path: Box(path, graph.scope_at.get(path), tuple(nodes)) for path, nodes in members.items()
    }
    return View(graph, boxes, {ends: tuple(flow.values()) for ends, flow in flows.items()})
