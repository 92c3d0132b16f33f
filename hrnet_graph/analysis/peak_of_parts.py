"""The peak memory of a network of which parts are known: what is alike is followed once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from hrnet_graph.analysis.peak_memory import Inside, ModuleRun, peak_memory
from hrnet_graph.ir.graph import Graph, Node, key_of, sort
from hrnet_graph.ir.hierarchy import prefixes, results_of
from hrnet_graph.ir.ops import Input
from hrnet_graph.ir.parts import Part, Placed, is_scope, split
from hrnet_graph.ir.scope_program import programs
from hrnet_graph.ir.types import TensorType

STANDS_IN = Input((1, 1, 1))
"""The op of a node that stands for a part."""


def peak_of_parts(graph: Graph, parts: Sequence[Placed]) -> int:
    """Numbers that are held at most during inference, as `peak_memory` finds them."""
    found = _outline(graph, _closed(split(graph, parts))) if graph.order is graph.nodes else None
    if found is None:
        return peak_memory(graph).elements
    outline, inside = found
    return ModuleRun(outline, inside=inside, plans=programs(outline)).peak().elements


def _outline(
    graph: Graph, items: Sequence[Node | Placed]
) -> tuple[Graph, dict[str, Inside]] | None:
    """The network with few nodes for each part, and what the parts hold; None if unknown."""
    members = [[item] if isinstance(item, Node) else _stand_ins(item) for item in items]
    stands_for: dict[str, str] = {}
    for item, nodes in zip(items, members, strict=True):
        if isinstance(item, Placed):
            stands_for.update(zip(item.results, (node.path for node in nodes), strict=False))
    made = tuple(replace_inputs(node, stands_for) for nodes in members for node in nodes)
    outputs = tuple((name, stands_for.get(path, path)) for name, path in graph.outputs)
    hidden = {path for item in items if isinstance(item, Placed) for path in item.scopes}
    scopes = tuple([scope for scope in graph.scopes if scope.path not in hidden])
    outline = replace(graph, nodes=made, outputs=outputs, scopes=scopes)
    inside = {}
    for item, nodes in zip(items, members, strict=True):
        if isinstance(item, Placed):
            handed = {node.path for node in results_of(outline, [outline[n.path] for n in nodes])}
            used = tuple(i for i, node in enumerate(nodes) if node.path in handed)
            known = _held_inside(item.part, used)
            if known is None:
                return None
            inside[key_of(item.prefix[:-1])] = known
    return outline, inside


def replace_inputs(node: Node, paths: dict[str, str]) -> Node:
    """A node that reads what stands for its operands."""
    if paths.keys().isdisjoint(node.inputs):
        return node
    return Node(node.path, node.op, tuple(paths.get(at, at) for at in node.inputs), node.type)


def _closed(items: Iterable[Node | Placed]) -> list[Node | Placed]:
    """The same, where parts are left alone of which it is enough to know what they hand out."""
    pieces: list[Node | Placed] = []
    for item in items:
        pieces += [item] if isinstance(item, Node) or is_scope(item) else item.pieces
    around = Counter(
        prefix
        for item in pieces
        for prefix in prefixes(item.path if isinstance(item, Node) else f"{item.prefix}:")
    )
    found: list[Node | Placed] = []
    for item in pieces:
        if isinstance(item, Placed) and (
            around[item.prefix[:-1]] > 1 or item.part.fact("ways", _ways) is None
        ):
            found += item.nodes.values()
        else:
            found.append(item)
    return found


@dataclass(frozen=True)
class Ways:
    """Which operands each result of a part depends on, by number, and what it is; which results
    are read inside.
    """

    results: tuple[tuple[tuple[int, ...], TensorType], ...]
    inner: tuple[int, ...]


def _ways(part: Part) -> Ways | None:
    """The ways through a part; None for one that may share memory with what is around it."""
    number = {value.path: i for i, value in enumerate(part.operands)}
    nodes = {node.path: node for node in part.nodes}
    if any(_shares(node, nodes) for node in part.nodes):
        return None
    reach = {path: 1 << i for path, i in number.items()}
    for path in sort({path: [at for at in n.inputs if at in nodes] for path, n in nodes.items()}):
        reach[path] = reduce(or_, [reach[at] for at in nodes[path].inputs], 0)
    read = {at for node in part.nodes for at in node.inputs}
    if any(nodes[path].op.is_view for path in part.results):
        return None
    operands = range(len(number))
    return Ways(
        tuple(
            (tuple(i for i in operands if reach[path] >> i & 1), nodes[path].type)
            for path in part.results
        ),
        tuple(i for i, path in enumerate(part.results) if path in read),
    )


def _shares(node: Node, nodes: dict[str, Node]) -> bool:
    """Whether a node may write over an operand of the part."""
    if not node.op.can_overwrite:
        return False
    at = node.inputs[0]
    while at in nodes and nodes[at].op.is_view:
        at = nodes[at].inputs[0]
    return at not in nodes


def _stand_ins(placed: Placed) -> list[Node]:
    """A node for each result of a part, in order, and one for all else that it reads."""
    ways = placed.part.fact("ways", _ways)
    assert ways is not None
    made = [
        Node(f"{placed.prefix}:{i}", STANDS_IN, tuple(placed.operands[k] for k in reads), kind)
        for i, (reads, kind) in enumerate(ways.results)
    ]
    inner = tuple(made[i].path for i in ways.inner)
    rest = Node(f"{placed.prefix}:", STANDS_IN, (*placed.operands, *inner), STANDS_IN.infer(()))
    return [*made, rest]


def _held_inside(part: Part, used: tuple[int, ...]) -> Inside | None:
    """What a part holds while it runs that hands out some of its results."""
    return part.fact(("inside", used), lambda part: _run(part, used))


def _run(part: Part, used: tuple[int, ...]) -> Inside | None:
    """The same of the part by itself; None where it is not one scope, or an operand is a result."""
    graph = replace(part.graph, outputs=tuple(part.graph.outputs[i] for i in used))
    run = ModuleRun(graph, plans=programs(graph))
    plan = run.plans.get("part")
    if plan is None:
        return None
    operands = [run.held.add(0) for _ in range(plan.arity)]
    pieces = run.run(plan, operands)
    kept = [*dict.fromkeys(pieces)]
    if not set(kept).isdisjoint(operands):
        return None
    peak, sizes = run.held.peak, tuple(map(run.held.size, kept))
    return Inside(peak.elements, peak.node, tuple(map(kept.index, pieces)), sizes)
