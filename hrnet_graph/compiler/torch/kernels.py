"""How nodes run on maps in channels_last of a known size: on packed weights, without a copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from hrnet_graph.compiler.torch.layers import activation_layer
from hrnet_graph.compiler.torch.packed import Kernel, convolution
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.liveness import Call
from hrnet_graph.ir.ops import (
    Activation,
    Column,
    Conv2d,
    FlattenPixels,
    FusedConv2d,
    MatMul,
    Op,
    Softmax,
    Sum,
    UnflattenPixels,
)
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
    assert isinstance(site.node.op, Conv2d)
    assert site.packed is not None
    overwrites = site.call.overwritten is not None
    return convolution(site.node.op, site.packed, layer.bias, overwrites=overwrites)


def _sum(site: Site) -> Kernel:
    inputs = list(site.node.inputs)
    own = site.call.overwritten
    if own is None:
        return _fresh_sum
    place = inputs.index(own)

    def run(*terms: Tensor) -> Tensor:
        total = terms[place]
        for i, term in enumerate(terms):
            if i != place:
                total.add_(term)
        return total

    return run


def _fresh_sum(first: Tensor, second: Tensor, *others: Tensor) -> Tensor:
    total = first + second
    for term in others:
        total.add_(term)
    return total


def _activation(site: Site) -> Kernel:
    assert isinstance(site.node.op, Activation)
    overwrites = site.call.overwritten is not None
    return activation_layer(site.node.op.kind, inplace=overwrites).forward


def _softmax(site: Site) -> Kernel:
    """Over pixels that lie apart in memory: along the first dimension of the transposed matrix."""
    if not isinstance(site.graph[site.node.inputs[0]].op, FlattenPixels):
        return site.layer.forward
    return lambda x: x.transpose(1, 2).softmax(1).transpose(1, 2)


def _matmul(site: Site) -> Kernel:
    """For a map, the transposed product of the transposed matrices: its channels lie together."""
    op = site.node.op
    assert isinstance(op, MatMul)
    readers = site.graph.readers[site.node.path]
    if not any(isinstance(site.graph[path].op, Column | UnflattenPixels) for path in readers):
        return site.layer.forward

    def run(a: Tensor, b: Tensor) -> Tensor:
        first = b if op.transpose_second else b.transpose(1, 2)
        second = a if op.transpose_first else a.transpose(1, 2)
        return torch.bmm(first, second).transpose(1, 2)

    return run


KERNELS: Mapping[type[Op], Callable[[Site], Kernel]] = {
    Activation: _activation,
    Conv2d: _conv,
    FusedConv2d: _conv,
    MatMul: _matmul,
    Softmax: _softmax,
    Sum: _sum,
}
"""Op -> what makes its kernel; the others run as their layers do."""
