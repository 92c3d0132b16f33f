"""The peak memory of a network of which parts are known: what is alike is followed once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hrnet_graph.analysis.peak_memory import Inside, ModuleRun, peak_memory
from hrnet_graph.ir.graph import Graph, Node, key_of, sort
from hrnet_graph.ir.hierarchy import prefixes, results_of
from hrnet_graph.ir.ops import Input
from hrnet_graph.ir.parts import Part, Placed, split

STANDS_IN = Input((1, 1, 1))
"""The op of a node that stands for a part."""


def peak_of_parts(graph: Graph, parts: Sequence[Placed]) -> int:
    """Numbers that are held at most during inference, as `peak_memory` finds them."""
    items = split(graph, parts)
    closed = _closed(items) if graph.order is graph.nodes else []
    found = _inside(graph, items, closed) if closed else None
    if found is None:
        return peak_memory(graph).elements
    outline, inside = found
    return ModuleRun(outline, inside=inside).peak().elements


def _inside(
    graph: Graph, items: Iterable[Node | Placed], closed: list[Placed]
) -> tuple[Graph, dict[str, Inside]] | None:
    """The network with nodes in place of parts, and what each of these holds; None if unknown."""
    members = {id(placed): _stand_ins(placed) for placed in closed}
    nodes: list[Node] = []
    for item in items:
        if isinstance(item, Node):
            nodes.append(item)
        else:
            nodes += members.get(id(item)) or item.nodes.values()
    outline = replace(graph, nodes=tuple(nodes))
    inside = {}
    for placed in closed:
        used = tuple(node.path for node in results_of(outline, members[id(placed)]))
        known = _held_inside(placed, used)
        if known is None:
            return None
        inside[key_of(placed.prefix[:-1])] = known
    return outline, inside


def _closed(items: Sequence[Node | Placed]) -> list[Placed]:
    """The parts that are a scope of their own, and of which it is enough to know their results."""
    around = Counter(
        prefix
        for item in items
        for prefix in prefixes(item.path if isinstance(item, Node) else f"{item.prefix}.")
    )
    return [
        item
        for item in items
        if isinstance(item, Placed)
        and around[item.prefix[:-1]] == 1
        and not item.prefix[:-1].rpartition(".")[2].startswith("@")
        and item.part.fact("ways", _ways) is not None
    ]


@dataclass(frozen=True)
class Ways:
    """Which operands of a part each result depends on, by number, and which are read inside."""

    results: tuple[tuple[int, ...], ...]
    inner: tuple[int, ...]


def _ways(part: Part) -> Ways | None:
    """The ways through a part; None for one that may share memory with what is around it."""
    number = {value.path: i for i, value in enumerate(part.operands)}
    nodes = {node.path: node for node in part.nodes}
    if any(_shares(node, nodes) for node in part.nodes):
        return None
    reach = {path: {i} for path, i in number.items()}
    for path in sort({path: [at for at in n.inputs if at in nodes] for path, n in nodes.items()}):
        reach[path] = set().union(*(reach[at] for at in nodes[path].inputs))
    read = {at for node in part.nodes for at in node.inputs}
    if any(nodes[path].op.is_view for path in part.results):
        return None
    return Ways(
        tuple(tuple(sorted(reach[path])) for path in part.results),
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
    """A node for each result of a part, and one for all else that it reads."""
    ways = placed.part.fact("ways", _ways)
    assert ways is not None
    made = [
        Node(path, STANDS_IN, tuple(placed.operands[i] for i in reads), placed.nodes[path].type)
        for path, reads in zip(placed.results, ways.results, strict=True)
    ]
    inner = tuple(placed.results[i] for i in ways.inner)
    rest = Node(f"{placed.prefix}:", STANDS_IN, (*placed.operands, *inner), STANDS_IN.infer(()))
    return [*made, rest]


def _held_inside(placed: Placed, used: tuple[str, ...]) -> Inside | None:
    """What a part holds while it runs that hands out some of its results."""
    own = tuple(path.removeprefix(placed.prefix) for path in used)
    return placed.part.fact(("inside", own), lambda part: _run(part, own))


def _run(part: Part, used: tuple[str, ...]) -> Inside | None:
    """The same of the part by itself; None where it is not one scope, or an operand is a result."""
    outputs = tuple((f"out{i}", f"part.{path}") for i, path in enumerate(used))
    run = ModuleRun(replace(part.graph, outputs=outputs))
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
