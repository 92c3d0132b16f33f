"""How a graph is executed node by node, and who may write over what. Without torch."""

from __future__ import annotations

from typing import NamedTuple

from hrnet_graph.ir.graph import Graph, Node


class Call(NamedTuple):
    """The execution of one node.

    `overwritten` is the operand whose memory the result takes, if there is one; `release` are the
    results that nobody reads after this call.
    """

    node: Node
    overwritten: str | None
    release: tuple[str, ...]


def schedule(graph: Graph) -> tuple[Call, ...]:
    """The calls in execution order, each result released when its last reader has run.

    A result takes the memory of an operand where the operation can and nobody reads it afterwards:
    never that of the input nor of an output.
    """
    order = graph.order[1:]
    memory = {graph.input.path: graph.input.path}
    for node in order:
        memory[node.path] = memory[node.inputs[0]] if node.op.is_view else node.path
    kept = {memory[path] for path in graph.output_paths} | {graph.input.path}
    last = {path: i for i, node in enumerate(order) for path in (node.path, *value_operands(node))}
    until: dict[str, int] = {}
    for path, i in last.items():
        until[memory[path]] = max(i, until.get(memory[path], 0))
    outputs = set(graph.output_paths)
    releases: dict[int, list[str]] = {}
    for path, i in last.items():
        if path not in outputs:
            releases.setdefault(i, []).append(path)
    calls = []
    for i, node in enumerate(order):
        free = [
            path
            for path in (node.inputs if node.op.can_overwrite else node.inputs[node.op.reuses])
            if memory[path] not in kept
            and until[memory[path]] == i
            and node.inputs.count(path) == 1
        ]
        calls.append(Call(node, free[0] if free else None, tuple(releases.get(i, ()))))
    return tuple(calls)


def overwritten_in_training(graph: Graph, node: Node) -> Node | None:
    """What made the first operand of a node that may be written over while gradients are taken.

    None where another reads that operand, where the backward pass does, or where it is handed from
    scope to scope, whose ends are seen from outside.
    """
    if node.inputs[:1] != node.inputs[node.op.reuses][:1] or node.inputs.count(node.inputs[0]) > 1:
        return None
    made = graph.node_at[node.inputs[0]]
    if made is graph.input or made.op.is_view or made.path in graph.output_paths:
        return None
    beside = all(
        one.rpartition(".")[0] == other.rpartition(".")[0]
        for one, other in ((made.path, node.path), (made.key, node.key))
    )
    if not beside or graph.readers[made.path] != (node.path,):
        return None
    saved = made.op.saved(graph.operands(made), made.type, graph.runs_in_place(made))
    return None if saved.result else made


def value_operands(node: Node) -> tuple[str, ...]:
    """The operands whose values a node reads; of another it takes the size alone."""
    return tuple(path for i, path in enumerate(node.inputs) if i == 0 or i != node.op.lender)
