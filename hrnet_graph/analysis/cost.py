"""What a network costs, counted: whole, by part, and by kind of operation, each apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache, partial

from hrnet_graph.checks import A_GRAPH, check_kind
from hrnet_graph.choices import COUNTS, GROUPINGS, Count, Grouping
from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted
from hrnet_graph.ir.graph import Graph, Node, display_name
from hrnet_graph.ir.hierarchy import boxes_at, branch_of, outermost, prefixes
from hrnet_graph.ir.ops import Op
from hrnet_graph.ir.parts import Placed, types_in
from hrnet_graph.ir.types import Operands, TensorType
from hrnet_graph.late import html_of


@dataclass(frozen=True, slots=True)
class Cost:
    """What a part costs for one image.

    params: learnt numbers; buffers do not count
    macs: multiply-accumulates of convolution, linear and matmul alone
    operations: elementary operations of everything else (norm, activation, sum, resampling, ...)
    activations: numbers in the results of all operations
    layers: convolutions and linear layers
    """

    params: int = 0
    macs: int = 0
    operations: int = 0
    activations: int = 0
    layers: int = 0

    @property
    def flops(self) -> int:
        """Floating-point operations: 2 x MACs."""
        return 2 * self.macs

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.params + other.params,
            self.macs + other.macs,
            self.operations + other.operations,
            self.activations + other.activations,
            self.layers + other.layers,
        )

    def as_dict(self) -> dict[str, int]:
        """Every one of `COUNTS`."""
        return {count: getattr(self, count) for count in COUNTS}


@dataclass(frozen=True)
class Report:
    """The cost of every node, and of whatever they make up, counted when it is asked for.

    What is alike is counted once: builders give nodes that are alike the same op and types.

    Example:
        >>> report = hg.analyze(hg.build_graph("hrnet_w32_cls"))
        >>> report.by("stage")["stage4"].params
        21177216
    """

    graph: Graph

    def __repr__(self) -> str:
        where = f"{self.graph.name} at {self.graph.input.type}"
        return f"Report({where}: {self.params:,} params, {self.macs:,} MACs)"

    def _repr_html_(self) -> str:
        return html_of(self)

    @cached_property
    def _alike(self) -> list[list[Node]]:
        return _alike(self.graph)

    @cached_property
    def _costs(self) -> list[tuple[Cost, list[Node]]]:
        """What one node costs, for all nodes that are alike."""
        return [(node_cost(self.graph, alike[0]), alike) for alike in self._alike]

    @cached_property
    def nodes(self) -> Mapping[str, Cost]:
        """Path -> cost of the node."""
        return {node.path: cost for cost, alike in self._costs for node in alike}

    @cached_property
    def total(self) -> Cost:
        """Cost of the whole network."""
        return Cost(
            **{
                field.name: sum(
                    getattr(cost, field.name) * len(alike) for cost, alike in self._costs
                )
                for field in fields(Cost)
            }
        )

    @cached_property
    def operations_by_op(self) -> Mapping[str, int]:
        """What is neither MACs nor FLOPs, by operation."""
        found: Counter[str] = Counter()
        for cost, alike in self._costs:
            if cost.operations:
                found[alike[0].op.label] += cost.operations * len(alike)
        return dict(found)

    @property
    def params(self) -> int:
        """Learnt numbers of the whole network; buffers do not count."""
        return self.total.params

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of convolution, linear and matmul for one image."""
        return sum(len(alike) * _macs(self.graph, alike[0]) for alike in self._alike)

    @property
    def flops(self) -> int:
        """Floating-point operations for one image: 2 x MACs."""
        return 2 * self.macs

    def by(self, grouping: Grouping) -> dict[str, Cost]:
        """Cost by part, in execution order; the parts add up to the total."""
        name_of = naming(self.graph, grouping)
        groups: dict[str, Cost] = defaultdict(Cost)
        for node in self.graph.order[1:]:
            groups[name_of(node)] += self.nodes[node.path]
        return dict(groups)

    def rows(
        self, by: Grouping | None = None, sort: Count | None = None
    ) -> list[dict[str, str | int]]:
        """The counts of every part, by `sort` the largest first; without `by`, of the whole."""
        if by is None:
            return [{"part": "total", **self.total.as_dict()}]
        parts = [*self.by(by).items()]
        if sort is not None:
            parts.sort(key=lambda part: -getattr(part[1], sort))
        return [{by: name, **cost.as_dict()} for name, cost in parts]

    def as_dict(self, by: Grouping | None = None, sort: Count | None = None) -> dict[str, object]:
        """The counts as plain data for JSON, and those of the parts with `by`."""
        data: dict[str, object] = {
            "name": self.graph.name,
            "input": self.graph.input.type.shape,
            **self.total.as_dict(),
            "operations_by_op": self.operations_by_op,
        }
        return {**data, "by": by, "parts": self.rows(by, sort)} if by else data


def naming(graph: Graph, grouping: Grouping) -> Callable[[Node], str]:
    """Node -> the name of the part that it belongs to."""
    if grouping not in GROUPINGS:
        raise HRNetGraphError(
            f"by: unknown part {quoted(grouping)}{did_you_mean(grouping, GROUPINGS)}"
        )
    if grouping == "op":
        return lambda node: node.op.label
    if grouping == "node":
        return lambda node: node.key
    if grouping == "kind":
        return partial(_kind_name, graph)
    if grouping == "branch":  # stem and head stand apart
        return partial(_branch_name, graph, boxes_at(graph, "stage"))
    boxes = boxes_at(graph, grouping)
    if grouping in ("stage", "module"):  # what is in none, as a neck, goes by its first name
        alone = [n for n in graph.operations if outermost(n.path, boxes) == n.path]
        boxes = boxes | {_first_name(graph, node) for node in alone}
    return lambda node: display_name(outermost(node.path, boxes))


def _first_name(graph: Graph, node: Node) -> str:
    """The outermost part of the backbone or of the network that a node stands in."""
    inside = graph.backbone_prefix if node.path.startswith(graph.backbone_prefix) else ""
    return inside + node.path.removeprefix(inside).partition(".")[0]


def analyze(graph: Graph) -> Report:
    """The cost of a graph at its own input size, exact, without torch.

    Example:
        >>> report = hg.analyze(hg.build_graph("hrnet_w32_cls"))
        >>> f"{report.params:,} parameters, {report.macs / 2**30:.1f} of the papers' GFLOPs"
        "41,232,680 parameters, 8.3 of the papers' GFLOPs"
    """
    check_kind("analyze", graph, Graph, A_GRAPH)
    return Report(graph)


def total_of_parts(graph: Graph, items: Sequence[Node | Placed]) -> Cost:
    """The cost of a network, given as nodes and parts, counted once for all that is alike."""
    if len(items) == len(graph.nodes):
        return Report(graph).total
    total, types = Cost(), types_in(items)
    for item in items:
        if isinstance(item, Placed):
            total += item.part.fact("cost", lambda part: Report(part.graph).total)
        else:
            total += _cost_of(item.op, tuple([types[path] for path in item.inputs]), item.type)
    return total


def _alike(graph: Graph) -> list[list[Node]]:
    """The nodes by what decides their cost: which op reads which types."""
    type_of = {node.path: id(node.type) for node in graph.nodes}
    alike: dict[tuple[int, ...], list[Node]] = {}
    for node in graph.nodes:
        paths = node.inputs
        if len(paths) == 1:  # most nodes by far, and a key of two is quickly made
            kind: tuple[int, ...] = (id(node.op), type_of[paths[0]])
        else:
            kind = (id(node.op), *[type_of[path] for path in paths])
        if kind in alike:
            alike[kind].append(node)
        else:
            alike[kind] = [node]
    return [*alike.values()]


def node_cost(graph: Graph, node: Node) -> Cost:
    """The cost of one node; an input costs nothing."""
    return _cost(node.op, graph.operands(node), node.type)


def _cost(op: Op, operands: Operands, result: TensorType) -> Cost:
    """The cost of an operation."""
    if op.family == "input":
        return Cost()
    state = op.state(operands)
    params = sum(entry.elements for entry in state if entry.trainable)
    macs = op.macs(operands, result)
    operations = op.operations(operands, result)
    return Cost(params, macs, operations, result.elements, int(bool(macs and state)))


_cost_of = lru_cache(2**8)(_cost)
"""The same, of what stands in many networks."""


def _macs(graph: Graph, node: Node) -> int:
    return node.op.macs(graph.operands(node), node.type)


def _branch_name(graph: Graph, apart: Set[str], node: Node) -> str:
    """The branch that a node belongs to; what belongs to none is named by its part of `apart`."""
    branch = branch_of(graph, node.path)
    return display_name(outermost(node.path, apart)) if branch is None else f"branch {branch}"


def _kind_name(graph: Graph, node: Node) -> str:
    """What a node is for in the architecture."""
    for prefix in prefixes(node.path):
        scope = graph.scope_at.get(prefix)
        if scope is None:
            continue
        if scope.kind in ("stem", "transition", "head"):
            return scope.kind
        if scope.kind == "block":
            return "residual unit"
        if scope.kind == "fuse":
            source = node.path[len(prefix) + 1 :].partition(".")[0]
            if not source.isdigit() or scope.branch is None:
                return f"fuse {scope.label or 'sum'}"
            return "fuse up" if int(source) > scope.branch else "fuse down"
    return "other"
