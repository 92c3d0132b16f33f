"""Sums computed by the convolutions that they add."""

from __future__ import annotations

from hrnet_graph.compiler.passes.rewrite import NewNode, Refusal, Rewrite, rebuild, unchanged_node
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import Conv2d, FusedConv2d, Sum


def fuse_sum(graph: Graph) -> Rewrite:
    """Convolutions that a sum alone reads add what else it adds, one after another.

    a + conv_b(x) + conv_c(y) = conv_c(y) + (conv_b(x) + a): only the order of additions changes.
    """
    drafts = {node.path: unchanged_node(node) for node in graph.nodes}
    instead: dict[str, str] = {}
    refused = []
    for node in graph.nodes:
        if not isinstance(node.op, Sum):
            continue
        adders = _convolutions(graph, node)
        others = [path for path in node.inputs if path not in adders] or [adders.pop(0)]
        if not adders:
            refused.append(Refusal(node.path, "it adds no convolution that it alone reads"))
            continue
        (total,) = others if len(others) == 1 else (f"{node.path}.others",)
        kept = NewNode(total, Sum(), tuple(others))
        drafts = _replace(drafts, node.path, (kept,) if len(others) > 1 else ())
        for path in adders:
            conv = graph[path]
            assert isinstance(conv.op, Conv2d)
            drafts[path] = NewNode(path, FusedConv2d.of(conv.op), (*conv.inputs, total))
            total = path
        instead[node.path] = total
    return rebuild(graph, drafts.values(), instead=instead, done=instead, refused=refused)


def _convolutions(graph: Graph, total: Node) -> list[str]:
    """The convolutions that a sum alone reads, and reads once, in order."""
    outputs = set(graph.output_paths)
    return [
        path
        for path in total.inputs
        if type(graph[path].op) is Conv2d
        and graph.readers[path] == (total.path,)
        and total.inputs.count(path) == 1
        and path not in outputs
    ]


def _replace(drafts: dict[str, NewNode], path: str, by: tuple[NewNode, ...]) -> dict[str, NewNode]:
    """The drafts, in order, with some in the place of one."""
    return {
        new.path: new for old in drafts.values() for new in (by if old.path == path else (old,))
    }
