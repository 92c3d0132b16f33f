"""Which maps of one pixel ncnn computes as vectors: what squeeze and excitation goes through."""

from __future__ import annotations

from hrnet_graph.ir import ops
from hrnet_graph.ir.graph import Graph, Node


def is_read_as_vector(graph: Graph, path: str) -> bool:
    """Whether all that reads a map of one pixel, and what comes of it, takes a vector as well.

    A linear layer computes what a 1x1 convolution does, and a vector scales a map's channels.
    """
    readers = [graph[reader] for reader in graph.readers[path]]
    if not readers or path in graph.output_paths:
        return False
    return all(_reads_vector(graph, reader) for reader in readers)


def _reads_vector(graph: Graph, node: Node) -> bool:
    op = node.op
    if isinstance(op, ops.Multiply):
        return node.type.size != (1, 1)
    if is_linear(op) or isinstance(op, ops.Activation):
        return is_read_as_vector(graph, node.path)
    return isinstance(op, ops.Flatten)


def is_linear(op: ops.Op) -> bool:
    """Whether an op is a convolution that a linear layer computes on a map of one pixel."""
    return isinstance(op, ops.Conv2d) and op.kernel == op.groups == 1
