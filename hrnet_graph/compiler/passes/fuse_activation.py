"""Activations computed by the convolution in front of them."""

from __future__ import annotations

from hrnet_graph.compiler.passes.rewrite import NewNode, Refusal, Rewrite, rebuild, unchanged_node
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import Activation, Conv2d, FusedConv2d


def fuse_activation(graph: Graph) -> Rewrite:
    """Every activation that alone reads a convolution is computed by it."""
    fused: dict[str, str] = {}
    kinds: dict[str, str] = {}
    refused = []
    for node in graph.nodes:
        if not isinstance(node.op, Activation):
            continue
        reason = _obstacle(graph, node, node.op)
        if reason:
            refused.append(Refusal(node.path, reason))
        else:
            fused[node.path] = node.inputs[0]
            kinds[node.inputs[0]] = node.op.kind
    drafts = [
        _activate(node, kinds[node.path]) if node.path in kinds else unchanged_node(node)
        for node in graph.nodes
        if node.path not in fused
    ]
    return rebuild(graph, drafts, instead=fused, done=fused, refused=refused)


def _obstacle(graph: Graph, node: Node, op: Activation) -> str:
    """Why an activation cannot be computed by what it reads, or nothing."""
    source = graph[node.inputs[0]]
    if not isinstance(source.op, Conv2d):
        return "no convolution stands in front of it"
    if isinstance(source.op, FusedConv2d) and source.op.activation:
        return "the convolution in front of it is activated already"
    if not graph.owns_operand(node):
        return "the convolution in front of it has another reader"
    packed = op.row.packed
    if packed is None:
        return f"a convolution computes no {op.kind}"
    if len(source.inputs) > 1 and not packed.after_sum:
        return f"a convolution that adds a map computes no {op.kind}"
    return ""


def _activate(node: Node, kind: str) -> NewNode:
    assert isinstance(node.op, Conv2d)
    return NewNode(node.path, FusedConv2d.of(node.op, kind), node.inputs)
