"""A network as a flat list of calls, on maps in channels_last of one size, without a copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from hrnet_graph.compiler.torch.layers import activation_layer
from hrnet_graph.compiler.torch.network import layer_at
from hrnet_graph.compiler.torch.packed import Kernel, convolution
from hrnet_graph.ir import ops
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.liveness import Call, schedule, value_operands
from hrnet_graph.ir.types import TensorType


class Site(NamedTuple):
    """A call of a node, all that is known of it before it runs.

    types: path -> the type of each result at the size in hand, for one sample
    packed: the weight of a convolution, packed for that size
    """

    graph: Graph
    call: Call
    layer: nn.Module
    types: Mapping[str, TensorType]
    packed: Tensor | None

    @property
    def node(self) -> Node:
        """The node that is called."""
        return self.call.node


def kernel(site: Site) -> Kernel:
    """What computes a node: it takes the operands whose values the node reads."""
    make = KERNELS.get(type(site.node.op))
    if make:
        return make(site)
    at, run = site.node.op.lender, site.layer.forward
    if not at:
        return run
    like = SimpleNamespace(shape=(0, *site.types[site.node.inputs[at]].shape))
    return lambda *x: run(*x[:at], like, *x[at:])


def _conv(site: Site) -> Kernel:
    layer: Any = site.layer
    assert isinstance(site.node.op, ops.Conv2d)
    assert site.packed is not None
    overwrites = site.call.overwritten is not None
    return convolution(site.node.op, site.packed, layer.bias, overwrites=overwrites)


def _sum(site: Site) -> Kernel:
    own = site.call.overwritten
    place = None if own is None else site.node.inputs.index(own)

    def run(*terms: Tensor) -> Tensor:
        if place is None:
            total, others = terms[0] + terms[1], terms[2:]
        else:
            total, others = terms[place], terms[:place] + terms[place + 1 :]
        for term in others:
            total.add_(term)
        return total

    return run


def _activation(site: Site) -> Kernel:
    assert isinstance(site.node.op, ops.Activation)
    overwrites = site.call.overwritten is not None
    return activation_layer(site.node.op.kind, inplace=overwrites).forward


def _softmax(site: Site) -> Kernel:
    """Over pixels that lie apart in memory: along the first dimension of the transposed matrix."""
    if not isinstance(site.graph[site.node.inputs[0]].op, ops.FlattenPixels):
        return site.layer.forward
    return lambda x: x.transpose(1, 2).softmax(1).transpose(1, 2)


def _matmul(site: Site) -> Kernel:
    """For a map, the transposed product of the transposed matrices: its channels lie together."""
    op = site.node.op
    assert isinstance(op, ops.MatMul)
    readers = (site.graph[path].op for path in site.graph.readers[site.node.path])
    if not any(isinstance(reader, ops.Column | ops.UnflattenPixels) for reader in readers):
        return site.layer.forward

    def run(a: Tensor, b: Tensor) -> Tensor:
        first = b if op.transpose_second else b.transpose(1, 2)
        second = a if op.transpose_first else a.transpose(1, 2)
        return torch.bmm(first, second).transpose(1, 2)

    return run


KERNELS: Mapping[type[ops.Op], Callable[[Site], Kernel]] = {
    ops.Activation: _activation,
    ops.Conv2d: _conv,
    ops.FusedConv2d: _conv,
    ops.MatMul: _matmul,
    ops.Softmax: _softmax,
    ops.Sum: _sum,
}
"""Op -> what makes its kernel; the others run as their layers do."""


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
