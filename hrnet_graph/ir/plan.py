"""How a graph is executed scope by scope: which submodules call which, with what. Without torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import networkx as nx

from hrnet_graph.ir.graph import Graph, Node, key_of
from hrnet_graph.ir.hierarchy import branch_of, convex_scopes, cyclic_boxes, prefixes


class Step(NamedTuple):
    """One call: the way to the submodule, the slots of its operands and of its results.

    `release` are the slots that nobody reads after this call.
    """

    parts: tuple[str, ...]
    operands: tuple[int, ...]
    results: tuple[int, ...]
    release: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The calls of one callable scope. Slots 0 to `arity` - 1 hold its inputs."""

    key: str
    arity: int
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    slots: int


def plans(graph: Graph) -> Iterator[Plan]:
    """A plan for the root (key "") and for every scope that is called as a whole.

    A scope is called as a whole if it is convex and no cycle arises among its neighbours; one that
    is not stays a container whose children are called by the scope around it.
    """
    convex = {
        path: members
        for path, members in convex_scopes(graph).items()
        if not path.rpartition(".")[2].startswith("@")
    }
    branches = {node.path: branch_of(graph, node.path) or 0 for node in graph.nodes}
    outputs = {path for _, path in graph.outputs}
    root = tuple(node for node in graph.order if node is not graph.input)
    waiting: list[tuple[str, tuple[Node, ...]]] = [("", root)]
    while waiting:
        scope, members = waiting.pop()
        boxes = _boxes(scope, members, convex)
        if scope:
            inputs, results = _ends(graph, members, outputs, branches)
        else:
            inputs, results = (graph.input.path,), tuple(path for _, path in graph.outputs)
        yield _plan(graph, scope, boxes, inputs, results, outputs, branches)
        waiting += [(box, nodes) for box, nodes in boxes.items() if box in convex]


def _boxes(
    scope: str, members: tuple[Node, ...], convex: Mapping[str, tuple[Node, ...]]
) -> dict[str, tuple[Node, ...]]:
    """What a scope calls, in execution order: callable scopes inside it, and single nodes."""
    closed = convex.keys() - {scope}
    while True:
        box_of = {}
        for node in members:
            inside = (p for p in prefixes(node.path) if len(p) > len(scope) and p in closed)
            box_of[node.path] = next(inside, node.path)
        cycle = cyclic_boxes(members, box_of)
        if not cycle:
            break
        closed -= cycle
    boxes: dict[str, list[Node]] = {}
    for node in members:
        boxes.setdefault(box_of[node.path], []).append(node)
    return {box: tuple(boxes[box]) for box in _sorted(boxes, box_of)}


def _sorted(boxes: Mapping[str, list[Node]], box_of: Mapping[str, str]) -> Iterable[str]:
    """Boxes in an order in which each comes after those that it reads from."""
    done: set[str] = set()
    for box, nodes in boxes.items():
        sources = {box_of[path] for node in nodes for path in node.inputs if path in box_of}
        if not sources - {box} <= done:
            break
        done.add(box)
    else:
        return boxes
    position = {box: i for i, box in enumerate(boxes)}
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(boxes)
    for box, nodes in boxes.items():
        sources = {box_of[path] for node in nodes for path in node.inputs if path in box_of}
        graph.add_edges_from((source, box) for source in sources - {box})
    return nx.lexicographical_topological_sort(graph, key=lambda box: position[box])


def _ends(
    graph: Graph, members: tuple[Node, ...], outputs: set[str], branches: Mapping[str, int]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values that a scope reads from outside, finest branch first, and those it hands out."""
    inside = {node.path for node in members}
    read = dict.fromkeys(p for node in members for p in node.inputs if p not in inside)
    results = tuple(
        node.path
        for node in members
        if node.path in outputs or any(reader not in inside for reader in graph.readers[node.path])
    )
    return tuple(sorted(read, key=lambda path: branches[path])), results


def _plan(
    graph: Graph,
    scope: str,
    boxes: Mapping[str, tuple[Node, ...]],
    inputs: tuple[str, ...],
    results: tuple[str, ...],
    outputs: set[str],
    branches: Mapping[str, int],
) -> Plan:
    slots = {path: slot for slot, path in enumerate(inputs)}
    key = key_of(scope)
    calls = []
    for box, nodes in boxes.items():
        operands, made = _ends(graph, nodes, outputs, branches)
        if box == nodes[0].path:
            operands, made = nodes[0].inputs, (box,)
        for path in made:
            slots[path] = len(slots)
        parts = tuple(key_of(box)[len(key) + 1 if key else 0 :].split("."))
        calls.append((parts, tuple(slots[p] for p in operands), tuple(slots[p] for p in made)))
    kept = tuple(slots[path] for path in results)
    last = {slot: i for i, (_, operands, made) in enumerate(calls) for slot in (*made, *operands)}
    steps = tuple(
        Step(*call, tuple(s for s, at in last.items() if at == i and s not in kept))
        for i, call in enumerate(calls)
    )
    return Plan(key, len(inputs), steps, kept, len(slots))
