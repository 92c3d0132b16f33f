"""What inference holds at every moment, by following the plans that the module executes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hrnet_graph.analysis.workspace import Workspace
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.scope_program import ScopeProgram, scope_programs


class PeakMemory(NamedTuple):
    """The most that is held at once, in numbers for one image, and the key of the node there."""

    elements: int
    node: str


def peak_memory(graph: Graph, workspace: Workspace) -> PeakMemory:
    """The peak of inference, input included; `workspace` is what a node needs beside its result."""
    run = _Run(graph, workspace)
    return PeakMemory(run.peak, run.peak_node)


class _Run:
    """Follows the module's plans as it executes them, and who holds which piece of memory.

    A scope holds its inputs until it returns, as a Python call does. A piece of memory is a number;
    an activation that works in place and a view share their operand's.
    """

    def __init__(self, graph: Graph, workspace: Workspace) -> None:
        self._graph = graph
        self._workspace = workspace
        self._plans = {plan.key: plan for plan in scope_programs(graph)}
        self._nodes = {node.key: node for node in graph.nodes}
        self._elements: dict[int, int] = {}
        self._holders: Counter[int] = Counter()
        self._live = 0
        self.peak = 0
        self.peak_node = ""
        image = self._allocate(graph.input)
        self._hold(image)
        self._scope(self._plans[""], [image])

    def _allocate(self, node: Node) -> int:
        piece = len(self._elements)
        self._elements[piece] = node.type.elements
        return piece

    def _hold(self, piece: int) -> None:
        if not self._holders[piece]:
            self._live += self._elements[piece]
        self._holders[piece] += 1

    def _release(self, piece: int) -> None:
        self._holders[piece] -= 1
        if not self._holders[piece]:
            self._live -= self._elements[piece]

    def _scope(self, plan: ScopeProgram, inputs: Sequence[int]) -> list[int]:
        values: dict[int, int] = dict(enumerate(inputs))
        for piece in (*inputs, *inputs):  # once as arguments, once as values
            self._hold(piece)
        for step in plan.steps:
            key = ".".join((*([plan.key] if plan.key else []), *step.parts))
            operands = [values[slot] for slot in step.operands]
            if key in self._plans:
                results = self._scope(self._plans[key], operands)
            else:
                results = [self._node(self._nodes[key], operands)]
            for slot, piece in zip(step.results, results, strict=True):
                values[slot] = piece
            for slot in step.release:
                self._release(values.pop(slot))
        results = [values[slot] for slot in plan.outputs]
        for piece in results:
            self._hold(piece)
        for piece in (*inputs, *values.values()):
            self._release(piece)
        return results

    def _node(self, node: Node, operands: Sequence[int]) -> int:
        """The piece that holds a node's result; the caller holds it from now on."""
        if node.op.is_view or self._graph.runs_in_place(node):
            self._hold(operands[0])
            return operands[0]
        piece = self._allocate(node)
        beside = self._workspace(node.op, self._graph.operands(node), node.type)
        self._hold(piece)
        if self._live + beside > self.peak:
            self.peak, self.peak_node = self._live + beside, node.key
        return piece
