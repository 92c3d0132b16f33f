"""Batch normalisation folded into the convolution in front of it."""

from __future__ import annotations

from dataclasses import replace

from hrnet_graph.compiler.passes.rewrite import NewNode, Refusal, Rewrite, rebuild, unchanged_node
from hrnet_graph.compiler.passes.weights import FoldedBias, FoldedWeight, Norm, Ref, WeightExpr
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import BatchNorm, Conv2d, ConvTranspose2d, GroupNorm


def fold_norm(graph: Graph) -> Rewrite:
    """Every batch norm that alone reads a convolution becomes part of its weight and bias.

    y = scale * (w x + b - mean) / sqrt(variance + eps) + shift is one convolution.
    """
    folded: dict[str, Node] = {}
    moves: dict[str, WeightExpr] = {}
    refused = []
    for node in graph.nodes:
        if isinstance(node.op, BatchNorm | GroupNorm):
            reason = _obstacle(graph, node)
            if reason:
                refused.append(Refusal(node.path, reason))
            else:
                folded[node.inputs[0]] = node
                moves |= _moves(graph[node.inputs[0]], node, node.op)
    norms = {norm.path: path for path, norm in folded.items()}
    drafts = [
        _with_bias(node) if node.path in folded else unchanged_node(node)
        for node in graph.nodes
        if node.path not in norms
    ]
    return rebuild(graph, drafts, instead=norms, moves=moves, done=norms, refused=refused)


def _obstacle(graph: Graph, norm: Node) -> str:
    """Why a norm cannot be folded, or nothing."""
    if isinstance(norm.op, GroupNorm):
        return "group norm takes its mean and variance from the image"
    if not isinstance(graph[norm.inputs[0]].op, Conv2d | ConvTranspose2d):
        return "no convolution stands in front of it"
    if not graph.owns_operand(norm):
        return "the convolution in front of it has another reader"
    return ""


def _with_bias(node: Node) -> NewNode:
    assert isinstance(node.op, Conv2d | ConvTranspose2d)
    return NewNode(node.path, replace(node.op, bias=True), node.inputs)


def _moves(conv: Node, norm: Node, op: object) -> dict[str, WeightExpr]:
    assert isinstance(op, BatchNorm)
    assert isinstance(conv.op, Conv2d | ConvTranspose2d)
    names = ("weight", "bias", "running_mean", "running_var")
    weight, bias, mean, variance = (Ref(f"{norm.key}.{name}") for name in names)
    entries = Norm(weight, bias, mean, variance, op.eps)
    own = Ref(f"{conv.key}.bias") if conv.op.bias else None
    axis = int(isinstance(conv.op, ConvTranspose2d))
    return {
        f"{conv.key}.weight": FoldedWeight(Ref(f"{conv.key}.weight"), entries, axis),
        f"{conv.key}.bias": FoldedBias(own, entries),
    }
