"""What the page knows of a graph: one JSON document, from which its script draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from hrnet_graph.analysis.cost import Report, analyze
from hrnet_graph.analysis.memory import kept_for_backward
from hrnet_graph.analysis.receptive_field import LONGEST, receptive_fields, strides
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.hierarchy import LEVELS, acyclic_boxes, boxes_at, branch_of, convex_scopes
from hrnet_graph.viz.theme import number_of

MAX_FIELDS = 20_000
"""Beyond so many nodes receptive fields would cost seconds, and are left out."""


def document(graph: Graph) -> dict[str, Any]:
    """The graph as plain data.

    `nodes` are columns, in execution order; their `inputs` are numbers of nodes, `op` and `state`
    numbers into `ops` and `states`. Costs are those of `analyze`, `memory` the numbers that
    training keeps, `hue` the colour of a resolution, which `resolutions` names. `field` is the
    receptive field in pixels (0: the whole image; `longest`: that or more; absent: not measured).
    A scope is one box at as many levels, from the first on, as its `opens` says; at 0 it is never
    one.
    """
    report = analyze(graph)
    opens = openings(graph)
    at = {node.path: i for i, node in enumerate(graph.order)}
    row_of = rows(graph)
    return {
        "name": graph.name,
        "totals": {"params": report.params, "macs": report.macs},
        "levels": list(LEVELS),
        "longest": LONGEST,
        "rows": _sizes(graph, row_of),
        "resolutions": _resolutions(graph),
        "scopes": [
            {
                "path": scope.path,
                "kind": scope.kind,
                "label": scope.label,
                "branch": scope.branch,
                "opens": opens.get(scope.path, 0),
            }
            for scope in graph.scopes
        ],
        "outputs": [[name, at[path]] for name, path in graph.outputs],
        **_nodes(report, at, row_of),
    }


def rows(graph: Graph) -> dict[str, int]:
    """The row of every node, 0 on top: its branch, or the branch of its size, or its operand's."""
    row_of: dict[str, int] = {}
    of_size: dict[tuple[int, ...], int] = {}
    for node in graph.order:
        branch = branch_of(graph, node.path)
        if branch is not None and len(node.type.shape) == 3:
            of_size.setdefault(node.type.size, branch)
    for node in graph.order:
        branch = branch_of(graph, node.path)
        if branch is None:
            around = max((row_of[path] for path in node.inputs), default=0)
            branch = of_size.get(node.type.size, around)
        row_of[node.path] = branch
    return row_of


def _sizes(graph: Graph, row_of: dict[str, int]) -> list[list[int]]:
    """(height, width) of most maps in each row; empty where it has none."""
    sizes: list[Counter[tuple[int, ...]]] = [Counter() for _ in range(max(row_of.values()) + 1)]
    for node in graph.order:
        if branch_of(graph, node.path) is not None and len(node.type.shape) == 3:
            sizes[row_of[node.path]][node.type.size] += 1
    return [list(count.most_common(1)[0][0]) if count else [] for count in sizes]


def _resolutions(graph: Graph) -> list[tuple[int, str]]:
    """The colours of all resolutions, and the names of those that have it, finest first."""
    names: dict[int, list[str]] = {}
    for stride in sorted(set(strides(graph).values())):
        names.setdefault(number_of(stride), []).append(str(1 / stride))
    return [(number, ", ".join(those)) for number, those in names.items()]


def openings(graph: Graph) -> dict[str, int]:
    """Scope path -> at how many levels, from `stage` on, it is one box; only what can be closed.

    Any choice of open and closed scopes gives boxes without a cycle: a cycle of boxes would also be
    one among the parts of the innermost scope around it, and `_acyclic` leaves none there.
    """
    levels = {path: i for i, level in enumerate(LEVELS, 1) for path in boxes_at(graph, level)}
    closed = _acyclic(graph.order, "", levels.keys() & convex_scopes(graph).keys())
    return {path: opens for path, opens in levels.items() if path in closed}


def _acyclic(nodes: Sequence[Node], around: str, closed: set[str]) -> set[str]:
    """`closed` without the scopes that would lie on a cycle of boxes when `around` is open."""
    inside = {path for path in closed if path.startswith(around)}
    members: dict[str, list[Node]] = {}
    box_of = acyclic_boxes(nodes, inside)
    for node in nodes:
        if box_of[node.path] != node.path:
            members.setdefault(box_of[node.path], []).append(node)
    sound = set(members)
    for path, part in members.items():
        nested = {inner for inner in inside if inner.startswith(f"{path}.")}
        if nested:
            sound |= _acyclic(part, f"{path}.", nested)
    return sound


def _nodes(report: Report, at: dict[str, int], row_of: dict[str, int]) -> dict[str, Any]:
    """The columns, and the two tables that some of them point into: many nodes share an entry."""
    graph, order = report.graph, report.graph.order
    ops: dict[tuple[str, str], int] = {}
    states: dict[tuple[tuple[str, str], ...], int] = {}
    held = (node.op.state(graph.operands(node)) for node in order)
    columns: dict[str, list[Any]] = {
        "path": [node.path for node in order],
        "op": [ops.setdefault((node.op.label, node.op.family), len(ops)) for node in order],
        "shape": [list(node.type.shape) for node in order],
        "branch": [branch_of(graph, node.path) for node in order],
        "row": [row_of[node.path] for node in order],
        "inputs": [[at[path] for path in node.inputs] for node in order],
        "state": [
            states.setdefault(tuple((entry.name, str(entry.shape)) for entry in state), len(states))
            for state in held
        ],
    }
    for cost in ("params", "macs"):
        columns[cost] = [getattr(report.nodes[node.path], cost) for node in order]
    kept, stride = kept_for_backward(graph), strides(graph)
    columns["memory"] = [kept[node.path] for node in order]
    columns["hue"] = [number_of(stride[node.path]) for node in order]
    return {"ops": list(ops), "states": list(states), "nodes": columns | _fields(graph)}


def _fields(graph: Graph) -> dict[str, list[int]]:
    """The column of receptive fields, or none where they cannot be had in a moment."""
    if len(graph.nodes) > MAX_FIELDS:
        return {}
    try:
        found = receptive_fields(graph)
    except HRNetGraphError:
        return {}
    return {"field": [found[node.path].size or 0 for node in graph.order]}
