"""What inference holds at every moment, by following the calls that a module executes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from hrnet_graph.analysis.workspace import onednn
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.liveness import schedule
from hrnet_graph.ir.scope_program import ScopeProgram, scope_programs


class PeakMemory(NamedTuple):
    """The most that is held at once, in numbers for one image, and the key of the node there."""

    elements: int
    node: str


class Inside(NamedTuple):
    """What a scope holds while it runs, whatever else is held: its peak, and the node there.

    results: which of the pieces that it leaves holds each result
    sizes: the numbers in each of those pieces
    """

    peak: int
    node: str
    results: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def held(self) -> tuple[object, ...]:
        """The same without the node."""
        return self.peak, self.results, self.sizes


def peak_memory(graph: Graph, on_cpu: bool = False) -> PeakMemory:
    """The peak of inference, input included, with the copies of torch's engine if `on_cpu`."""
    return ModuleRun(graph, on_cpu).peak()


def scheduled_peak(graph: Graph) -> PeakMemory:
    """The peak where nodes run one by one, input included.

    So runs the module that is optimized for inference: nothing is held for a scope, and a result
    takes the memory of an operand that nobody reads afterwards.
    """
    held = Held()
    piece_of = {graph.input.path: held.allocate(graph.input)}
    held.hold(piece_of[graph.input.path])  # by the caller, to the end
    for node, overwritten, release in schedule(graph):
        source = node.inputs[0] if node.op.is_view else overwritten
        piece_of[node.path] = held.share(piece_of[source]) if source else held.allocate(node)
        for path in release:
            held.release(piece_of[path])
    return held.peak


class Held:
    """Who holds which piece of memory; a piece is a number, and the most so far is `peak`."""

    def __init__(self) -> None:
        self._elements: list[int] = []
        self._holders: Counter[int] = Counter()
        self._live = 0
        self.peak = PeakMemory(0, "")

    def allocate(self, node: Node, beside: int = 0) -> int:
        """A new piece for a node's result, held once; `beside` is needed while it is computed."""
        piece = self.add(node.type.elements)
        self.reach(beside, node.key)
        return piece

    def add(self, elements: int) -> int:
        """A new piece of so many numbers, held once."""
        self._elements.append(elements)
        return self.share(len(self._elements) - 1)

    def reach(self, beside: int, node: str) -> None:
        """Notes that at a node so much is needed beside all that is held."""
        if self._live + beside > self.peak.elements:
            self.peak = PeakMemory(self._live + beside, node)

    def size(self, piece: int) -> int:
        """The numbers in a piece."""
        return self._elements[piece]

    def share(self, piece: int) -> int:
        """The piece, once it is held once more."""
        self.hold(piece)
        return piece

    def hold(self, *pieces: int) -> None:
        for piece in pieces:
            if not self._holders[piece]:
                self._live += self._elements[piece]
            self._holders[piece] += 1

    def release(self, *pieces: int) -> None:
        for piece in pieces:
            self._holders[piece] -= 1
            if not self._holders[piece]:
                self._live -= self._elements[piece]


class ModuleRun:
    """Follows the module's plans as it executes them.

    A scope holds its inputs until it returns, as a Python call does. An activation that works in
    place and a view share their operand's piece. `inside` says of some scopes what goes on there;
    `plans`, what the module executes, where that is known.
    """

    def __init__(
        self,
        graph: Graph,
        on_cpu: bool = False,
        inside: Mapping[str, Inside] = MappingProxyType({}),
        plans: Mapping[str, ScopeProgram] | None = None,
    ) -> None:
        self._graph = graph
        self._on_cpu = on_cpu
        self._inside = inside
        self.plans = plans or {plan.key: plan for plan in scope_programs(graph)}
        self._nodes = {node.key: node for node in graph.nodes}
        self.held = Held()

    def peak(self) -> PeakMemory:
        """The most that is held while the network runs."""
        self.run(self.plans[""], [self.held.allocate(self._graph.input)])
        return self.held.peak

    def run(self, plan: ScopeProgram, inputs: Sequence[int]) -> list[int]:
        """Runs a scope, and gives the pieces of its results, which the caller holds from now on."""
        values: dict[int, int] = dict(enumerate(inputs))
        self.held.hold(*inputs, *inputs)  # once as arguments, once as values
        for step in plan.steps:
            key = ".".join((*([plan.key] if plan.key else []), *step.parts))
            operands = [values[slot] for slot in step.operands]
            if key in self._inside:
                results = self._known(self._inside[key])
            elif key in self.plans:
                results = self.run(self.plans[key], operands)
            else:
                results = [self._node(self._nodes[key], operands)]
            for slot, piece in zip(step.results, results, strict=True):
                values[slot] = piece
            for slot in step.release:
                self.held.release(values.pop(slot))
        results = [values[slot] for slot in plan.outputs]
        self.held.hold(*results)
        self.held.release(*inputs, *values.values())
        return results

    def _known(self, inside: Inside) -> list[int]:
        """The pieces of the results of a scope that is known already."""
        self.held.reach(inside.peak, inside.node)
        pieces = [self.held.add(size) for size in inside.sizes]
        again = [piece for i, piece in enumerate(inside.results) if piece in inside.results[:i]]
        self.held.hold(*(pieces[piece] for piece in again))
        return [pieces[piece] for piece in inside.results]

    def _node(self, node: Node, operands: Sequence[int]) -> int:
        """The piece that holds a node's result; the caller holds it from now on."""
        if node.op.is_view or self._graph.runs_in_place(node):
            return self.held.share(operands[0])
        x = self._graph.operands(node)
        beside = onednn(node.op, x, node.type) if self._on_cpu else node.op.workspace(x, node.type)
        return self.held.allocate(node, beside)
