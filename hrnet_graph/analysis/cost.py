"""Parameters and multiply-accumulates, whole and by part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.hierarchy import Level, boxes_at, branch_of, outermost

Grouping = Literal["stage", "branch", "module", "op"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)

_Naming = Callable[[Graph], Callable[[Node], str]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of a part for one image: learnt numbers, and multiply-accumulates (MACs).

    MACs are those of convolution, linear and matmul alone.
    """

    params: int = 0
    macs: int = 0

    @property
    def flops(self) -> int:
        """Floating-point operations: 2 x MACs."""
        return 2 * self.macs

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.params + other.params, self.macs + other.macs)


@dataclass(frozen=True)
class Report:
    """The cost of every node, and of whatever they make up."""

    graph: Graph
    nodes: Mapping[str, Cost]

    @cached_property
    def total(self) -> Cost:
        """Cost of the whole network."""
        return sum(self.nodes.values(), Cost())

    @property
    def params(self) -> int:
        """Learnt numbers of the whole network; buffers do not count."""
        return self.total.params

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolution, linear and matmul for one image."""
        return self.total.macs

    @property
    def flops(self) -> int:
        """Floating-point operations for one image: 2 x MACs."""
        return self.total.flops

    def by(self, grouping: Grouping) -> dict[str, Cost]:
        """Cost by part, in execution order; the parts add up to the total."""
        name_of = _GROUPINGS[grouping](self.graph)
        groups: dict[str, Cost] = {}
        for node in self.graph.order:
            if node is not self.graph.input:
                name = name_of(node)
                groups[name] = groups.get(name, Cost()) + self.nodes[node.path]
        return groups


def analyze(graph: Graph) -> Report:
    """The cost of a graph at its own input size, exact, without torch."""
    return Report(graph, {node.path: node_cost(graph, node) for node in graph.nodes})


def node_cost(graph: Graph, node: Node) -> Cost:
    """The cost of one node."""
    operands = graph.operands(node)
    params = sum(entry.elements for entry in node.op.state(operands) if entry.trainable)
    return Cost(params, node.op.macs(operands, node.type))


def _by_box(level: Level) -> _Naming:
    """Names nodes by the boxes of a level."""

    def naming(graph: Graph) -> Callable[[Node], str]:
        boxes = boxes_at(graph, level)
        return lambda node: outermost(node.path, boxes).replace("@", "")

    return naming


def _by_branch(graph: Graph) -> Callable[[Node], str]:
    """Names nodes by the branch that they belong to; stem and head stand apart."""

    def name(node: Node) -> str:
        branch = branch_of(graph, node.path)
        return (
            outermost(node.path, apart).replace("@", "") if branch is None else f"branch {branch}"
        )

    apart = boxes_at(graph, "stage")
    return name


_GROUPINGS: Mapping[Grouping, _Naming] = {
    "stage": _by_box("stage"),
    "module": _by_box("module"),
    "branch": _by_branch,
    "op": lambda graph: lambda node: node.op.label(),
}
