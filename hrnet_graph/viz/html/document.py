"""What the page knows of a graph: one JSON document, from which its script draws."""

from __future__ import annotations

from collections import Counter
from typing import Any, TypeVar

from hrnet_graph.analysis.cost import Report, analyze
from hrnet_graph.analysis.receptive_field import LONGEST, receptive_fields
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.hierarchy import LEVELS, branch_of
from hrnet_graph.viz.html.closing import openings

_Shared = TypeVar("_Shared")

MAX_FIELDS = 20_000
"""Beyond so many nodes receptive fields would cost seconds, and are left out."""


def document(graph: Graph) -> dict[str, Any]:
    """The graph as plain data.

    `nodes` are columns, in execution order; their `inputs` are numbers of nodes, `op` and `state`
    numbers into `ops` and `states`. Costs are those of `analyze`, `field` is the receptive field in
    pixels (0: the whole image; `longest`: that or more; absent: not measured). A scope is one box
    at as many levels, from the first on, as its `opens` says; at 0 it is never one.
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


def _nodes(report: Report, at: dict[str, int], row_of: dict[str, int]) -> dict[str, Any]:
    graph = report.graph
    ops: dict[tuple[str, str], int] = {}
    states: dict[tuple[tuple[str, str], ...], int] = {}
    columns: dict[str, list[Any]] = {
        "path": [node.path for node in graph.order],
        "op": [_number(ops, (node.op.label, node.op.family)) for node in graph.order],
        "shape": [list(node.type.shape) for node in graph.order],
        "branch": [branch_of(graph, node.path) for node in graph.order],
        "row": [row_of[node.path] for node in graph.order],
        "inputs": [[at[path] for path in node.inputs] for node in graph.order],
        "state": [
            _number(states, tuple((entry.name, str(entry.shape)) for entry in entries))
            for node in graph.order
            for entries in [node.op.state(graph.operands(node))]
        ],
    }
    for cost in ("params", "macs", "activations"):
        columns[cost] = [getattr(report.nodes[node.path], cost) for node in graph.order]
    return {
        "ops": list(ops),
        "states": list(states),
        "nodes": columns | _fields(graph),
    }


def _fields(graph: Graph) -> dict[str, list[int]]:
    """The column of receptive fields, or none where they cannot be had in a moment."""
    if len(graph.nodes) > MAX_FIELDS:
        return {}
    try:
        found = receptive_fields(graph)
    except HRNetGraphError:
        return {}
    return {"field": [found[node.path].size or 0 for node in graph.order]}


def _number(table: dict[_Shared, int], value: _Shared) -> int:
    """The number of a value that many nodes share: each is written once, in `table`."""
    return table.setdefault(value, len(table))
