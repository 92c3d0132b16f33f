"""Memory: what the weights take, and the most that inference holds at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import Activation, Sum
from hrnet_graph.ir.plan import Plan, plans
from hrnet_graph.ir.schedule import schedule

Precision = Literal["float32", "float16", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

BYTES: Mapping[Precision, int] = {"float32": 4, "float16": 2, "bfloat16": 2}


@dataclass(frozen=True)
class Memory:
    """Bytes for one image at one precision.

    weights: parameters and buffers
    gradients: as many as parameters
    optimiser: the two moments of Adam, in float32
    peak: the most that the results of operations hold at once during inference, input included
    peak_node: the key of the operation at which that is
    """

    precision: Precision
    weights: int
    gradients: int
    optimiser: int
    peak: int
    peak_node: str


def memory(graph: Graph, precision: Precision = "float32") -> Memory:
    """What a network needs, by the order in which the module executes and releases."""
    size = BYTES[precision]
    state = graph.state().values()
    params = sum(entry.elements for entry in state if entry.trainable)
    run = _Run(graph, size)
    return Memory(
        precision=precision,
        weights=size * sum(entry.elements for entry in state),
        gradients=size * params,
        optimiser=2 * 4 * params,
        peak=run.peak,
        peak_node=run.peak_node,
    )


def scheduled_peak(graph: Graph, precision: Precision = "float32") -> tuple[int, str]:
    """The peak in bytes where nodes run one by one, and the key of the node at which it is.

    So runs the module that is optimised for inference: nothing is held for a scope, and a result
    takes the memory of an operand that nobody reads afterwards.
    """
    piece_of = {graph.input.path: graph.input.path}
    bytes_of = {graph.input.path: BYTES[precision] * graph.input.type.elements}
    holders = Counter({graph.input.path: 1})
    live = peak = bytes_of[graph.input.path]
    at = graph.input.key
    for node, overwritten, release in schedule(graph):
        source = node.inputs[0] if node.op.is_view else overwritten
        piece = piece_of[node.path] = piece_of[source] if source else node.path
        if source is None:
            bytes_of[piece] = BYTES[precision] * node.type.elements
            live += bytes_of[piece]
        holders[piece] += 1
        if live > peak:
            peak, at = live, node.key
        for path in release:
            freed = piece_of[path]
            holders[freed] -= 1
            if not holders[freed] and freed != graph.input.path:
                live -= bytes_of[freed]
    return peak, at


class _Run:
    """Follows the module's plans as it executes them, and who holds which piece of memory.

    A scope holds its inputs until it returns, as a Python call does. A piece of memory is a number;
    an activation that works in place and a view share their operand's.
    """

    def __init__(self, graph: Graph, size: int) -> None:
        self._graph = graph
        self._size = size
        self._plans = {plan.key: plan for plan in plans(graph)}
        self._nodes = {node.key: node for node in graph.nodes}
        self._bytes: dict[int, int] = {}
        self._holders: Counter[int] = Counter()
        self._live = 0
        self.peak = 0
        self.peak_node = ""
        image = self._allocate(graph.input)
        self._hold(image)
        self._scope(self._plans[""], [image])

    def _allocate(self, node: Node) -> int:
        piece = len(self._bytes)
        self._bytes[piece] = self._size * node.type.elements
        return piece

    def _hold(self, piece: int) -> None:
        if not self._holders[piece]:
            self._live += self._bytes[piece]
        self._holders[piece] += 1

    def _release(self, piece: int) -> None:
        self._holders[piece] -= 1
        if not self._holders[piece]:
            self._live -= self._bytes[piece]

    def _scope(self, plan: Plan, inputs: Sequence[int]) -> list[int]:
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
        overwrites = isinstance(node.op, Activation) and node.op.can_overwrite
        if node.op.is_view or (overwrites and self._graph.owns_operand(node)):
            self._hold(operands[0])
            return operands[0]
        piece = self._allocate(node)
        partial = self._bytes[piece] if isinstance(node.op, Sum) and len(operands) > 2 else 0
        self._hold(piece)
        if self._live + partial > self.peak:
            self.peak, self.peak_node = self._live + partial, node.key
        return piece
