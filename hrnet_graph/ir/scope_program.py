"""How a graph is executed scope by scope: which submodules call which, with what. Without torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from hrnet_graph.ir.graph import (
    Graph,
    Initialisation,
    Node,
    Returns,
    Scope,
    ScopeKind,
    key_of,
    sort,
)
from hrnet_graph.ir.hierarchy import (
    acyclic_boxes,
    box_sources,
    branch_of,
    convex_scopes,
    feature_paths,
    prefixes,
    results_of,
)
from hrnet_graph.ir.ops import Input

FEATURES = "@features"
"""The key of the plan that stops where the features are, before the head."""


class Step(NamedTuple):
    """One call: the way to the submodule, the slots of its operands and of its results.

    `release` are the slots that nobody reads after this call.
    """

    parts: tuple[str, ...]
    operands: tuple[int, ...]
    results: tuple[int, ...]
    release: tuple[int, ...]


class Signature(NamedTuple):
    """The paths of the values that a part reads from outside, and of those that it hands out."""

    operands: tuple[str, ...]
    results: tuple[str, ...]


@dataclass(frozen=True)
class ScopeProgram:
    """The calls of one callable scope. Slots 0 to `arity` - 1 hold its inputs."""

    key: str
    arity: int
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]


def programs(graph: Graph) -> Mapping[str, ScopeProgram]:
    """The same by key, found once for all networks whose parts are called alike."""
    nodes = tuple([(node.path, node.inputs) for node in graph.nodes])
    scopes = tuple([(scope.path, scope.kind, scope.branch) for scope in graph.scopes])
    return _programs(nodes, graph.outputs, graph.returns, scopes)


@lru_cache(2**9)
def _programs(
    nodes: tuple[tuple[str, tuple[str, ...]], ...],
    outputs: tuple[tuple[str, str], ...],
    returns: Returns,
    scopes: tuple[tuple[str, ScopeKind, int | None], ...],
) -> Mapping[str, ScopeProgram]:
    """The same of what they depend on: neither what nodes compute nor of which size."""
    image = Input((1, 1, 1))
    kind, start = image.infer(()), Initialisation()
    alike = Graph(
        name="",
        nodes=tuple(Node(path, image, inputs, kind) for path, inputs in nodes),
        outputs=outputs,
        returns=returns,
        scopes=tuple(Scope(*scope) for scope in scopes),
        init=start,
        head_init=start,
    )
    return {plan.key: plan for plan in scope_programs(alike)}


def scope_programs(graph: Graph) -> Iterator[ScopeProgram]:
    """A plan for the root (key ""), one that stops at its features (key `FEATURES`), and one for
    every scope that is called as a whole.

    A scope is called as a whole if it is convex and no cycle arises among its neighbours; one that
    is not stays a container whose children are called by the scope around it. So does one whose key
    is another's as well, where scopes for display stand between the parts of it, and one that has
    parts elsewhere, by their keys.
    """
    named = {
        path
        for node in graph.nodes
        for path in prefixes(node.path)
        if not path.rpartition(".")[2].startswith("@")
    }
    holders = Counter(map(key_of, named))
    convex = {
        path: members
        for path, members in convex_scopes(graph).items()
        if path in named and holders[key_of(path)] == 1 and _holds(path, members)
    }
    branches = {node.path: branch_of(graph, node.path) or 0 for node in graph.nodes}
    root = tuple(node for node in graph.order if node is not graph.input)
    waiting = [("", root, Signature((graph.input.path,), graph.output_paths))]
    while waiting:
        scope, members, ends = waiting.pop()
        boxes = _boxes(scope, members, convex.keys())
        inner = {
            box: signature(graph, nodes, branches)
            if box in convex
            else Signature(nodes[0].inputs, (box,))
            for box, nodes in boxes.items()
        }
        yield _program(scope, ends, inner)
        if not scope:
            features = ends._replace(results=feature_paths(graph))
            yield replace(_program(scope, features, _needed(inner, features)), key=FEATURES)
        waiting += [(box, boxes[box], inner[box]) for box in boxes if box in convex]


def run_order(graph: Graph) -> Iterator[Node]:
    """The nodes in the order in which the module runs them, scope by scope."""
    plans = programs(graph)
    nodes = {node.key: node for node in graph.operations}

    def run(key: str) -> Iterator[Node]:
        for step in plans[key].steps:
            inner = ".".join((key, *step.parts) if key else step.parts)
            if inner in nodes:
                yield nodes[inner]
            else:
                yield from run(inner)

    return run("")


def _holds(path: str, members: tuple[Node, ...]) -> bool:
    """Whether all parts of a scope are in it by their keys as well."""
    inside = f"{key_of(path)}."
    return all(node.key.startswith(inside) for node in members)


def _boxes(
    scope: str, members: tuple[Node, ...], convex: AbstractSet[str]
) -> dict[str, tuple[Node, ...]]:
    """What a scope calls, in execution order: callable scopes inside it, and single nodes."""
    box_of = acyclic_boxes(members, convex, inside=scope)
    boxes: dict[str, list[Node]] = {}
    for node in members:
        boxes.setdefault(box_of[node.path], []).append(node)
    return {box: tuple(boxes[box]) for box in sort(box_sources(members, box_of))}


def signature(graph: Graph, members: tuple[Node, ...], branches: Mapping[str, int]) -> Signature:
    """What a scope reads, finest branch first, and what it hands out."""
    inside = {node.path for node in members}
    read = dict.fromkeys(p for node in members for p in node.inputs if p not in inside)
    results = tuple(node.path for node in results_of(graph, members))
    return Signature(tuple(sorted(read, key=lambda path: branches[path])), results)


def _needed(boxes: Mapping[str, Signature], ends: Signature) -> dict[str, Signature]:
    """The boxes, in execution order, on which what a scope hands out depends."""
    read, needed = {*ends.results}, {}
    for box, signature in reversed([*boxes.items()]):
        if not read.isdisjoint(signature.results):
            needed[box] = signature
            read.update(signature.operands)
    return {box: boxes[box] for box in boxes if box in needed}


def _program(scope: str, ends: Signature, boxes: Mapping[str, Signature]) -> ScopeProgram:
    slots = {path: slot for slot, path in enumerate(ends.operands)}
    key = key_of(scope)
    calls = []
    for box, (operands, results) in boxes.items():
        for path in results:
            slots[path] = len(slots)
        parts = tuple(key_of(box)[len(key) + 1 if key else 0 :].split("."))
        calls.append((parts, tuple(slots[p] for p in operands), tuple(slots[p] for p in results)))
    kept = tuple(slots[path] for path in ends.results)
    last = {slot: i for i, (_, operands, made) in enumerate(calls) for slot in (*made, *operands)}
    release: list[list[int]] = [[] for _ in calls]
    for slot, at in last.items():
        if slot not in kept:
            release[at].append(slot)
    steps = tuple(Step(*call, tuple(free)) for call, free in zip(calls, release, strict=True))
    return ScopeProgram(key, len(ends.operands), steps, kept)
