"""A 1x1 convolution moved in front of the upsampling and the concatenation that it reads."""

from __future__ import annotations

from dataclasses import replace

from hrnet_graph.compiler.passes.cost import Rates, microseconds
from hrnet_graph.compiler.passes.rewrite import NewNode, Refusal, Rewrite, rebuild, unchanged_node
from hrnet_graph.compiler.passes.weights import Ref, Slice, WeightExpr
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import BilinearResize, Concat, Conv2d, NearestUpsample, Sum

Resize = BilinearResize | NearestUpsample


def early_pointwise(graph: Graph, rates: Rates | None = None) -> Rewrite:
    """A 1x1 convolution of concatenated maps becomes a sum of one convolution a map.

    conv(concat(x, up(y))) = conv_x(x) + up(conv_y(y)), since both are linear and upsampling keeps
    a constant; the bias goes with the first. `rates` says where it pays; everywhere if unstated.
    """
    replaced: dict[str, tuple[NewNode, ...]] = {}
    gone: set[str] = set()
    moves: dict[str, WeightExpr] = {}
    refused = []
    for conv in graph.nodes:
        concat = graph[conv.inputs[0]] if conv.inputs else conv
        if not isinstance(conv.op, Conv2d) or not isinstance(concat.op, Concat):
            continue
        reason = _obstacle(graph, conv, conv.op, concat)
        drafts = () if reason else _drafts(graph, conv, conv.op, concat)
        before = {concat.path, conv.path, *_resizes(graph, concat)}
        if drafts and rates and not _pays(graph, before, drafts, rates):
            reason = "the wider upsampling costs more than the convolution saves"
        if reason:
            refused.append(Refusal(conv.path, reason))
            continue
        replaced[conv.path] = drafts
        gone |= before
        moves |= _moves(graph, conv, conv.op, concat)
    drafts_now = [
        new
        for node in graph.nodes
        if node.path in replaced or node.path not in gone
        for new in replaced.get(node.path, (unchanged_node(node),))
    ]
    instead = {path: drafts[-1].path for path, drafts in replaced.items()}
    return rebuild(graph, drafts_now, instead=instead, moves=moves, done=replaced, refused=refused)


def _obstacle(graph: Graph, conv: Node, op: Conv2d, concat: Node) -> str:
    """Why a convolution cannot be moved in front of its concatenation, or nothing."""
    if op.kernel != 1:
        return f"a {op.kernel}x{op.kernel} kernel mixes neighbours, which upsampling makes"
    if op.stride != 1 or op.groups != 1:
        return "only a convolution of stride 1 and one group is the sum of its parts"
    if not graph.owns_operand(conv):
        return "the concatenation has another reader"
    if not _resizes(graph, concat):
        return "nothing that is concatenated is upsampled"
    return ""


def _resizes(graph: Graph, concat: Node) -> tuple[str, ...]:
    """The upsamplings that the concatenation alone reads, each once."""
    outputs = set(graph.output_paths)
    return tuple(
        path
        for path in concat.inputs
        if isinstance(graph[path].op, Resize)
        and graph.readers[path] == (concat.path,)
        and concat.inputs.count(path) == 1
        and path not in outputs
    )


def _drafts(graph: Graph, conv: Node, op: Conv2d, concat: Node) -> tuple[NewNode, ...]:
    """One convolution a map, upsampled where the map was, each added before the next begins.

    What is not upsampled comes last, so that its convolution can add what there is.
    """
    resizes = _resizes(graph, concat)
    drafts: list[NewNode] = []
    total = ""
    for i, path in sorted(enumerate(concat.inputs), key=lambda item: item[1] not in resizes):
        part = term = f"{conv.path}.{i}"
        resize = graph[path] if path in resizes else None
        source = resize.inputs[0] if resize else path
        drafts.append(NewNode(part, replace(op, bias=op.bias and i == 0), (source,)))
        if resize:
            term = f"{conv.path}.upsample{i}"
            drafts.append(NewNode(term, resize.op, (part, *resize.inputs[1:])))
        if total:
            drafts.append(NewNode(f"{conv.path}.sum{i}", Sum(), (total, term)))
        total = drafts[-1].path
    return tuple(drafts)


def _moves(graph: Graph, conv: Node, op: Conv2d, concat: Node) -> dict[str, WeightExpr]:
    moves: dict[str, WeightExpr] = {}
    start = 0
    for i, operand in enumerate(graph.operands(concat)):
        stop = start + operand.channels
        weight = Slice(Ref(f"{conv.key}.weight"), axis=1, start=start, stop=stop)
        moves[f"{conv.key}.{i}.weight"] = weight
        start = stop
    if op.bias:
        moves[f"{conv.key}.0.bias"] = Ref(f"{conv.key}.bias")
    return moves


def _pays(graph: Graph, before: set[str], after: tuple[NewNode, ...], rates: Rates) -> bool:
    types = {node.path: node.type for node in graph.nodes}
    old = sum(
        microseconds(node.op, graph.operands(node), node.type, rates)
        for node in graph.nodes
        if node.path in before
    )
    new = 0.0
    for path, op, inputs in after:
        operands = tuple(types[operand] for operand in inputs)
        types[path] = op.infer(operands)
        new += microseconds(op, operands, types[path], rates)
    return new < old
