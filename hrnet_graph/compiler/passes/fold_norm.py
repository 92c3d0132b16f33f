"""Batch normalisation folded into the convolution in front of it."""

from __future__ import annotations

from dataclasses import replace

from hrnet_graph.compiler.passes.rewrite import Change, Refusal, Rewrite, rewrite
from hrnet_graph.compiler.passes.weights import FoldedBias, FoldedWeight, Norm, Ref
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import BatchNorm, Conv2d, ConvTranspose2d, GroupNorm


def fold_norm(graph: Graph) -> Rewrite:
    """Every batch norm that alone reads a convolution becomes part of its weight and bias.

    y = scale * (w x + b - mean) / sqrt(variance + eps) + shift is one convolution.
    """
    norms = (node for node in graph.nodes if isinstance(node.op, BatchNorm | GroupNorm))
    return rewrite(graph, (_fold(graph, norm) for norm in norms))


def _fold(graph: Graph, norm: Node) -> Change | Refusal:
    conv = graph[norm.inputs[0]]
    if not isinstance(norm.op, BatchNorm):
        return Refusal(norm.path, "group norm takes its mean and variance from the image")
    if not isinstance(conv.op, Conv2d | ConvTranspose2d):
        return Refusal(norm.path, "no convolution stands in front of it")
    if not graph.owns_operand(norm):
        return Refusal(norm.path, "the convolution in front of it has another reader")
    names = ("weight", "bias", "running_mean", "running_var")
    scale, shift, mean, variance = (Ref(f"{norm.key}.{name}") for name in names)
    entries = Norm(scale, shift, mean, variance, norm.op.eps)
    weight, bias = f"{conv.key}.weight", f"{conv.key}.bias"
    out_axis = int(isinstance(conv.op, ConvTranspose2d))
    weights = {
        weight: FoldedWeight(Ref(weight), entries, out_axis),
        bias: FoldedBias(Ref(bias) if conv.op.bias else None, entries),
    }
    folded = replace(conv, op=replace(conv.op, bias=True))
    return Change(norm.path, conv.path, {conv.path: (folded,), norm.path: ()}, weights)
