"""A network as a flat list of calls for one shape of input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn

from hrnet_graph.compiler.torch.kernels import Site, kernel
from hrnet_graph.compiler.torch.network import layer_at
from hrnet_graph.compiler.torch.packed import Kernel
from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.liveness import schedule, value_operands
from hrnet_graph.ir.types import TensorType


class _Step(NamedTuple):
    """One call: the slots of its operands, of its result, and of what nobody reads after it."""

    run: Kernel
    operands: tuple[int, ...]
    result: int
    release: tuple[int, ...]


class Program:
    """The calls for one shape of input, each with its sizes and its packed weight.

    `layers` is the network with the graph's layers; `types` gives the type of every result, and
    `packed` the weight of every convolution, by path.
    """

    def __init__(
        self,
        graph: Graph,
        layers: nn.Module,
        types: Mapping[str, TensorType],
        packed: Mapping[str, Tensor],
    ) -> None:
        slots = {graph.input.path: 0}
        steps = []
        for call in schedule(graph):
            node = call.node
            slots[node.path] = len(slots)
            layer = layer_at(layers, node.key.split("."))
            run = kernel(Site(graph, call, layer, types, packed.get(node.path)))
            operands = tuple(slots[path] for path in value_operands(node))
            release = tuple(slots[path] for path in call.release)
            steps.append(_Step(run, operands, slots[node.path], release))
        self.packed = packed
        self._steps = tuple(steps)
        self._outputs = tuple(slots[path] for path in graph.output_paths)
        self._slots = len(slots)

    def run(self, x: Tensor) -> tuple[Tensor, ...]:
        """The outputs. x: (N, C, H, W) in channels_last, of the program's shape."""
        values: list[Any] = [None] * self._slots
        values[0] = x
        for run, operands, result, release in self._steps:
            values[result] = run(*[values[slot] for slot in operands])
            for slot in release:
                values[slot] = None
        return tuple(values[slot] for slot in self._outputs)
