"""Normalisations, sums and activations computed by the convolutions in front of them."""

from __future__ import annotations

from dataclasses import replace

from hrnet_graph.compiler.passes.rewrite import Change, Refusal, Rewrite, reads_alone, rewrite
from hrnet_graph.compiler.passes.weights import FoldedBias, FoldedWeight, Norm, Ref
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import (
    Activation,
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    FrozenBatchNorm,
    FusedConv2d,
    Sum,
)
from hrnet_graph.ir.ops.norm import Affine


def fold_norm(graph: Graph) -> Rewrite:
    """Every batch norm that alone reads a convolution becomes part of its weight and bias.

    y = scale * (w x + b - mean) / sqrt(variance + eps) + shift is one convolution.
    """
    norms = ((node, node.op) for node in graph.nodes if isinstance(node.op, Affine))
    return rewrite(graph, (_fold(graph, norm, op) for norm, op in norms))


def _fold(graph: Graph, norm: Node, op: Affine) -> Change | Refusal:
    conv = graph[norm.inputs[0]]
    if not isinstance(op, BatchNorm | FrozenBatchNorm):
        return Refusal(norm.path, op.varies)
    if not isinstance(conv.op, Conv2d | ConvTranspose2d):
        return Refusal(norm.path, "no convolution stands in front of it")
    if not graph.owns_operand(norm):
        return Refusal(norm.path, "the convolution in front of it has another reader")
    names = ("weight", "bias", "running_mean", "running_var")
    scale, shift, mean, variance = (Ref(f"{norm.key}.{name}") for name in names)
    entries = Norm(scale, shift, mean, variance, op.eps)
    weight, bias = f"{conv.key}.weight", f"{conv.key}.bias"
    out_axis = int(isinstance(conv.op, ConvTranspose2d))
    weights = {
        weight: FoldedWeight(Ref(weight), entries, out_axis),
        bias: FoldedBias(Ref(bias) if conv.op.bias else None, entries),
    }
    folded = replace(conv, op=replace(conv.op, bias=True))
    return Change(norm.path, conv.path, {conv.path: (folded,), norm.path: ()}, weights)


def fuse_sum(graph: Graph) -> Rewrite:
    """Convolutions that a sum alone reads add what else it adds, one after another.

    a + conv_b(x) + conv_c(y) = conv_c(y) + (conv_b(x) + a): only the order of additions changes.
    """
    sums = (node for node in graph.nodes if isinstance(node.op, Sum))
    return rewrite(graph, (_fuse_sum(graph, node) for node in sums))


def _fuse_sum(graph: Graph, node: Node) -> Change | Refusal:
    adders = {
        path: op
        for path in node.inputs
        if type(op := graph[path].op) is Conv2d and reads_alone(graph, node, path)
    }
    others = tuple(path for path in node.inputs if path not in adders)
    if not others:
        others = node.inputs[:1]
        del adders[node.inputs[0]]
    if not adders:
        return Refusal(node.path, "it adds no convolution that it alone reads")
    total = others[0]
    new_nodes: dict[str, tuple[Node, ...]] = {node.path: ()}
    if len(others) > 1:
        total = f"{node.path}.others"
        new_nodes[node.path] = (replace(node, path=total, inputs=others),)
    for path, op in adders.items():
        conv = graph[path]
        inputs = (*conv.inputs, total)
        new_nodes[path] = (replace(conv, op=FusedConv2d.of(op), inputs=inputs),)
        total = path
    return Change(node.path, total, new_nodes)


def fuse_activation(graph: Graph) -> Rewrite:
    """Every activation that alone reads a convolution is computed by it."""
    return rewrite(
        graph,
        (
            _fuse_activation(graph, node, node.op)
            for node in graph.nodes
            if isinstance(node.op, Activation)
        ),
    )


def _fuse_activation(graph: Graph, node: Node, op: Activation) -> Change | Refusal:
    conv = graph[node.inputs[0]]
    if not isinstance(conv.op, Conv2d):
        return Refusal(node.path, "no convolution stands in front of it")
    if isinstance(conv.op, FusedConv2d) and conv.op.activation:
        return Refusal(node.path, "the convolution in front of it is activated already")
    if not graph.owns_operand(node):
        return Refusal(node.path, "the convolution in front of it has another reader")
    packed = op.row.packed
    if packed is None:
        return Refusal(node.path, f"a convolution computes no {op.kind}")
    if len(conv.inputs) > 1 and not packed.after_sum:
        return Refusal(node.path, f"a convolution that adds a map computes no {op.kind}")
    fused = replace(conv, op=FusedConv2d.of(conv.op, op.kind))
    return Change(node.path, conv.path, {conv.path: (fused,), node.path: ()})
