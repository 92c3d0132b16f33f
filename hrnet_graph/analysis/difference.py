"""What two networks have in common and what not."""

from __future__ import annotations

from dataclasses import dataclass, fields

from hrnet_graph.analysis.comparison import in_order
from hrnet_graph.analysis.cost import Cost, analyze
from hrnet_graph.ir.graph import Graph, Node


@dataclass(frozen=True)
class Difference:
    """Two graphs side by side, nodes and weights by key.

    `changed` gives a node's key and what it is in each; `stages` the cost of every stage in each;
    `reshaped` a weight's key and its shape in each; `kept` counts the weights that fit both.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[tuple[str, str, str], ...]
    stages: tuple[tuple[str, Cost, Cost], ...]
    kept: int
    reshaped: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    lost: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether the graphs compute the same, weight for weight."""
        return not (self.added or self.removed or self.changed or self.lost or self.new)

    def rows(self) -> list[dict[str, str | int]]:
        """The cost of every stage of the first, and by how much more it is in the second; then of
        the whole.
        """
        _, before, after = zip(*self.stages, strict=True)
        total = ("total", sum(before, Cost()), sum(after, Cost()))
        return [
            {
                "stage": stage,
                "params": a.params,
                "more_params": b.params - a.params,
                "macs": a.macs,
                "more_macs": b.macs - a.macs,
            }
            for stage, a, b in (*self.stages, total)
        ]


def difference(a: Graph, b: Graph) -> Difference:
    """How b differs from a: nodes, cost by stage, and which of a's weights still fit."""
    ours = {node.key: node for node in a.nodes}
    theirs = {node.key: node for node in b.nodes}
    costs = analyze(a).by("stage"), analyze(b).by("stage")
    before, after = ({key: entry.shape for key, entry in graph.state().items()} for graph in (a, b))
    return Difference(
        added=tuple(key for key in theirs if key not in ours),
        removed=tuple(key for key in ours if key not in theirs),
        changed=tuple(
            (key, *_words(a, node, b, theirs[key]))
            for key, node in ours.items()
            if key in theirs and not _alike(a, node, b, theirs[key])
        ),
        stages=tuple(
            (stage, costs[0].get(stage, Cost()), costs[1].get(stage, Cost()))
            for stage in in_order(*costs)
        ),
        kept=len(before.items() & after.items()),
        reshaped=tuple(
            (key, shape, after[key])
            for key, shape in before.items()
            if after.get(key, shape) != shape
        ),
        lost=tuple(key for key in before if key not in after),
        new=tuple(key for key in after if key not in before),
    )


def _alike(a: Graph, ours: Node, b: Graph, theirs: Node) -> bool:
    """Whether two nodes do the same to the same operands."""
    return (ours.op, ours.type, _reads(a, ours)) == (theirs.op, theirs.type, _reads(b, theirs))


def _reads(graph: Graph, node: Node) -> list[str]:
    return [graph[path].key for path in node.inputs]


def _words(a: Graph, ours: Node, b: Graph, theirs: Node) -> tuple[str, str]:
    """What two nodes that are not alike do, with what tells them apart where that does not."""
    first, second = (f"{node.op.label} -> {node.type}" for node in (ours, theirs))
    if first != second:
        return first, second
    facts, others = (
        {
            **{field.name: getattr(node.op, field.name) for field in fields(node.op)},
            "reads": ", ".join(_reads(graph, node)),
            "op": type(node.op).__qualname__,
        }
        for graph, node in ((a, ours), (b, theirs))
    )
    apart = [key for key in {**facts, **others} if facts.get(key) != others.get(key)]
    first += "".join(f", {key} {facts.get(key)}" for key in apart)
    second += "".join(f", {key} {others.get(key)}" for key in apart)
    return first, second


def differing_values(a: object, b: object) -> list[dict[str, object]]:
    """The values that differ between nested data, by dotted key, as rows."""
    ours, theirs = _flat(a), _flat(b)
    return [
        {"key": key, "a": ours.get(key), "b": theirs.get(key)}
        for key in dict.fromkeys((*ours, *theirs))
        if ours.get(key) != theirs.get(key)
    ]


def _flat(data: object, prefix: str = "") -> dict[str, object]:
    """Nested data by dotted key."""
    if isinstance(data, list | tuple) and any(isinstance(x, dict) for x in data):
        data = dict(enumerate(data))
    if not isinstance(data, dict):
        return {prefix: data}
    found: dict[str, object] = {}
    for key, value in data.items():
        found |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return found
