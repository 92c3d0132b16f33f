"""A 1x1 convolution moved in front of the upsampling and the concatenation that it reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from hrnet_graph.compiler.passes.rewrite import Change, Refusal, Rewrite, reads_alone, rewrite
from hrnet_graph.compiler.passes.weights import Ref, Slice, WeightExpr
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import BilinearResize, Concat, Conv2d, NearestUpsample, Op, Sum


@dataclass(frozen=True)
class Rates:
    """How fast a target is, in numbers a microsecond: enough to tell where the pass pays.

    macs: multiply-accumulates of a convolution
    moved: numbers read and written
    resized: numbers of a bilinearly resized map
    call: microseconds that a call takes, whatever it does
    """

    macs: float
    moved: float
    resized: float
    call: float

    def microseconds(self, nodes: Iterable[Node], graph: Graph, new: Iterable[Node] = ()) -> float:
        """What nodes take for one image, where they read results of a graph or of new nodes."""
        types = {node.path: node.type for node in (*graph.nodes, *new)}
        total = 0.0
        for node in nodes:
            x, y = tuple(types[path] for path in node.inputs), node.type
            moved = sum(operand.elements for operand in x) + y.elements
            resized = y.elements if isinstance(node.op, BilinearResize) else 0
            if not node.op.is_view:
                total += self.call + node.op.macs(x, y) / self.macs
                total += moved / self.moved + resized / self.resized
        return total


def early_pointwise(graph: Graph, rates: Rates | None = None) -> Rewrite:
    """A 1x1 convolution of concatenated maps becomes a sum of one convolution a map.

    conv(concat(x, up(y))) = conv_x(x) + up(conv_y(y)), since both are linear and upsampling keeps
    a constant; the bias goes with the first. `rates` says where it pays; everywhere if unstated.
    """
    return rewrite(
        graph,
        (
            _move(graph, node, node.op, rates)
            for node in graph.operations
            if isinstance(node.op, Conv2d) and isinstance(graph[node.inputs[0]].op, Concat)
        ),
    )


def _move(graph: Graph, conv: Node, op: Conv2d, rates: Rates | None) -> Change | Refusal:
    concat = graph[conv.inputs[0]]
    resizes = [
        path
        for path in concat.inputs
        if isinstance(graph[path].op, BilinearResize | NearestUpsample)
        and reads_alone(graph, concat, path)
    ]
    if op.kernel != 1:
        reason = f"a {op.kernel}x{op.kernel} kernel mixes neighbours, which upsampling makes"
        return Refusal(conv.path, reason)
    if op.stride != 1 or op.groups != 1:
        reason = "only a convolution of stride 1 and one group is the sum of its parts"
        return Refusal(conv.path, reason)
    if not graph.owns_operand(conv):
        return Refusal(conv.path, "the concatenation has another reader")
    if not resizes:
        return Refusal(conv.path, "nothing that is concatenated is upsampled")
    old = [*map(graph.__getitem__, resizes), concat, conv]
    new = _new_nodes(graph, conv, op, resizes)
    if rates and rates.microseconds(new, graph, new) >= rates.microseconds(old, graph):
        return Refusal(conv.path, "the wider upsampling costs more than the convolution saves")
    new_nodes = {**{node.path: () for node in old}, conv.path: new}
    return Change(conv.path, new[-1].path, new_nodes, _weights(graph, conv, op))


def _new_nodes(graph: Graph, conv: Node, op: Conv2d, resizes: list[str]) -> tuple[Node, ...]:
    """One convolution a map, upsampled where the map was, each added before the next begins.

    What is not upsampled comes last, so that its convolution can add what there is.
    """
    new: list[Node] = []

    def add(path: str, op: Op, *operands: Node) -> Node:
        inferred = op.infer(tuple(operand.type for operand in operands))
        new.append(Node(path, op, tuple(operand.path for operand in operands), inferred))
        return new[-1]

    total = None
    maps = enumerate(graph[conv.inputs[0]].inputs)
    for i, path in sorted(maps, key=lambda item: item[1] not in resizes):
        part = replace(op, bias=op.bias and i == 0)
        if path in resizes:
            resize = graph[path]
            source, *like = map(graph.__getitem__, resize.inputs)
            term = add(f"{conv.path}.{i}", part, source)
            term = add(f"{conv.path}.upsample{i}", resize.op, term, *like)
        else:
            term = add(f"{conv.path}.{i}", part, graph[path])
        total = add(f"{conv.path}.sum{i}", Sum(), total, term) if total else term
    return tuple(new)


def _weights(graph: Graph, conv: Node, op: Conv2d) -> dict[str, WeightExpr]:
    """The part of the weight that goes with each map; the bias goes with the first."""
    whole = Ref(f"{conv.key}.weight")
    channels = (operand.channels for operand in graph.operands(graph[conv.inputs[0]]))
    parts = enumerate(pairwise(accumulate(channels, initial=0)))
    weights: dict[str, WeightExpr] = {
        f"{conv.key}.{i}.weight": Slice(whole, 1, start, stop) for i, (start, stop) in parts
    }
    return weights | ({f"{conv.key}.0.bias": Ref(f"{conv.key}.bias")} if op.bias else {})
