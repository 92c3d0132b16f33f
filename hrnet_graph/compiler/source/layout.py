"""The graph as a file shows it: which scopes are lists, chains or classes, and who calls whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from hrnet_graph.compiler.source.expressions import is_name
from hrnet_graph.compiler.source.layers import buffers_of, has_layer, layer
from hrnet_graph.errors import ShapeError
from hrnet_graph.ir.graph import Graph, Node, Scope, key_of
from hrnet_graph.ir.hierarchy import branch_of, prefixes
from hrnet_graph.ir.ops import Activation, BilinearResize, Concat, Conv2d, LayerNorm, Linear
from hrnet_graph.ir.scope_program import ScopeProgram, Signature, scope_programs, signature
from hrnet_graph.ir.sizes import infer_types

Part = TypeVar("Part")


class IrregularError(Exception):
    """A network that is not what the papers draw, and why."""


class Parts(dict[str, Part]):
    """Key of a part -> something about it. What is not there makes a network irregular."""

    def __missing__(self, key: str) -> Part:
        raise IrregularError(f"it has no {key}")


@dataclass(frozen=True, slots=True)
class Use:
    """One call: of a node, or of a scope as a whole; operands and results are paths."""

    key: str
    node: Node | None
    operands: tuple[str, ...]
    results: tuple[str, ...]


@dataclass(frozen=True)
class Outputs:
    """How many outputs a network has, as an argument of its class: `HRNet(classes=10)`.

    The argument's name and value, the layers that take it, and the graph with one more.
    """

    name: str
    count: int
    keys: frozenset[str]
    with_one_more_output: Graph


@dataclass(frozen=True)
class Layout:
    """A graph whose weightless nodes lie where a person would write them."""

    graph: Graph
    outputs: Outputs | None = None

    @cached_property
    def plan_at(self) -> Mapping[str, ScopeProgram]:
        """Key of a callable scope -> its plan."""
        return Parts({plan.key: plan for plan in scope_programs(self.graph)})

    @cached_property
    def node_at(self) -> Mapping[str, Node]:
        """Key -> node."""
        return {node.key: node for node in self.graph.nodes}

    @cached_property
    def scope_at(self) -> Mapping[str, Scope]:
        """Key -> scope."""
        return self.graph.scope_of_key

    @cached_property
    def summaries(self) -> Mapping[str, str]:
        """Key of a scope, or path of one that has none -> what it computes, as its rule says."""
        return {key_of(path) or path: sentence for path, sentence in self.graph.summaries}

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """Key of a scope -> the keys of what is registered in it, in order."""
        found: dict[str, dict[str, None]] = {"": {}}
        for node in self.graph.operations:
            parent = ""
            for key in (*prefixes(node.key), node.key):
                found.setdefault(parent, {})[key] = None
                parent = key
        return Parts({key: tuple(keys) for key, keys in found.items()})

    @cached_property
    def members(self) -> Mapping[str, tuple[Node, ...]]:
        """Key of a scope -> its nodes in execution order."""
        found: dict[str, list[Node]] = {"": []}
        for node in self.graph.order[1:]:
            found[""].append(node)
            for key in prefixes(node.key):
                found.setdefault(key, []).append(node)
        return Parts({key: tuple(nodes) for key, nodes in found.items()})

    @cached_property
    def buffers(self) -> Mapping[str, list[tuple[str, list[list[float]]]]]:
        """Key of a scope -> the names and numbers of what it holds for nodes in it."""
        found: dict[str, list[tuple[str, list[list[float]]]]] = {}
        for key, rows in buffers_of(self.graph).items():
            scope, _, name = key.rpartition(".")
            found.setdefault(scope, []).append((name, rows))
        return found

    @cached_property
    def head(self) -> frozenset[str]:
        """The keys of what the head registers and computes at the network's top level."""
        head = self.graph.scope_at.get("@head")
        nodes = self.graph.operations if head is not None else ()
        return frozenset(n.key.partition(".")[0] for n in nodes if n.path.startswith("@head."))

    def in_head(self, key: str) -> bool:
        """Whether a part belongs to the head."""
        return key.partition(".")[0] in self.head

    def kind(self, key: str) -> str:
        """The kind of a scope; empty for one that has none."""
        scope = self.scope_at.get(key)
        return scope.kind if scope is not None else ""

    @cached_property
    def aligned(self) -> frozenset[bool]:
        """How the network's bilinear resizing treats corners; both ways, it may be."""
        ops = (node.op for node in self.graph.nodes)
        return frozenset(op.align_corners for op in ops if isinstance(op, BilinearResize))

    @cached_property
    def overwrites(self) -> bool:
        """Whether activations are written in place, as modules run them: where layer norm turns a
        map's axes round, a new map may lie otherwise in memory, and be convolved in other steps.
        """
        normed = (n for n in self.graph.nodes if isinstance(n.op, LayerNorm))
        readers = (self.graph[path] for node in normed for path in self.graph.readers[node.path])
        return any(isinstance(node.op, Activation) for node in readers)

    @cached_property
    def branches(self) -> Mapping[str, int]:
        """Path -> branch, 0 where there is none."""
        return {node.path: branch_of(self.graph, node.path) or 0 for node in self.graph.nodes}

    def signature(self, key: str) -> Signature:
        """The paths that a scope reads from outside and hands out, in the order of its plan's."""
        if not key:
            return Signature((self.graph.input.path,), self.graph.output_paths)
        return signature(self.graph, self.members[key], self.branches)

    def is_chain(self, key: str) -> bool:
        """Whether a scope is what `nn.Sequential` is: numbered layers, one after another.

        A number behind the first may be left out, as that of a norm that there is not.
        """
        plan = self.plan_at.get(key)
        if plan is None or plan.arity != 1 or len(plan.outputs) != 1 or not self.is_list(key):
            return False
        last = -1
        for at, step in enumerate(plan.steps):
            name = step.parts[-1]
            if len(step.parts) > 1 or not (name.isascii() and name.isdecimal()):
                return False
            if step.operands != (at,) or len(step.results) != 1 or int(name) <= last:
                return False
            if at == 0 and name != "0":
                return False
            last = int(name)
            child = f"{key}.{name}"
            node = self.node_at.get(child)
            if node is not None and layer(self.graph, node) is None:
                return False
            if node is None and not (self.is_chain(child) or self.is_class(child)):
                return False
        return plan.outputs == (len(plan.steps),)

    def is_list(self, key: str) -> bool:
        """Whether a scope is what `nn.ModuleList` is: numbered parts in order, and no tensor."""
        names = [child.rpartition(".")[2] for child in self.children[key]]
        if not all(name.isascii() and name.isdecimal() for name in names):
            return False
        in_order = names == [str(number) for number in sorted(set(map(int, names)))]
        return in_order and key not in self.buffers

    def is_class(self, key: str) -> bool:
        """Whether a scope needs a class of its own."""
        return key in self.plan_at and not self.is_chain(key) and not self.is_list(key)

    def uses(self, key: str) -> Iterator[Use]:
        """What a scope calls, in order; what it merely lists is called by it, too."""
        for step in self.plan_at[key].steps:
            child = ".".join((key, *step.parts) if key else step.parts)
            node = self.node_at.get(child)
            if node is not None:
                yield Use(child, node, node.inputs, (node.path,))
            elif self.is_chain(child) or self.is_class(child):
                yield Use(child, None, *self.signature(child))
            else:
                yield from self.uses(child)


def lay_out_graph(graph: Graph, outputs: Outputs | None = None) -> Layout:
    """The layout of a graph. Weights keep their places; what has none may move outwards.

    With `outputs`, the last layers take their number as an argument.
    """
    layered = {
        prefix
        for node in graph.operations
        if has_layer(graph, node)
        for prefix in prefixes(node.path)
        if f"{node.key}.".startswith(f"{key_of(prefix)}.")
    }
    names = {node.path: node.path for node in graph.nodes}
    for node in graph.operations:
        if not has_layer(graph, node):
            names[node.path] = _outwards(node, names, layered)
    nodes = tuple(
        Node(names[node.path], node.op, tuple(names[p] for p in node.inputs), node.type)
        for node in graph.nodes
    )
    results = tuple((name, names[path]) for name, path in graph.outputs)
    return Layout(replace(graph, nodes=nodes, outputs=results), outputs)


def _outwards(node: Node, names: Mapping[str, str], layered: set[str]) -> str:
    """Where a node without weights is written: outside of scopes that hold no weights at all.

    A concatenation with which a scope begins stands before it, which then takes one tensor.
    """
    scope, _, leaf = node.path.rpartition(".")

    def step_out() -> None:
        nonlocal scope, leaf
        scope, _, outer = scope.rpartition(".")
        leaf = f"{outer}-{leaf}"

    def is_inside() -> bool:
        return bool(scope) and not scope.rpartition(".")[2].startswith("@")

    while is_inside() and scope not in layered:
        step_out()
    reads_inside = any(names[path].startswith(f"{scope}.") for path in node.inputs)
    if isinstance(node.op, Concat) and is_inside() and not reads_inside:
        step_out()
    return f"{scope}.{leaf}" if scope else leaf


def outputs_of(graph: Graph) -> Outputs | None:
    """The number of outputs, if all last layers share it and no other layer depends on it."""
    last = set(graph.output_paths)
    counts = {
        node.op.out if isinstance(node.op, Conv2d | Linear) else 0
        for node in graph.nodes
        if node.path in last
    }
    count = counts.pop()
    if counts or not count or graph.returns == "list":
        return None
    nodes = tuple(_with(node, count + 1) if node.path in last else node for node in graph.nodes)
    try:
        types = infer_types(replace(graph, nodes=nodes), graph.input.type)
    except ShapeError:
        return None
    for node in graph.nodes:
        before, after = graph.operands(node), tuple(types[path] for path in node.inputs)
        if before != after and node.op.state(before) != node.op.state(after):
            return None
    more = replace(graph, nodes=tuple(replace(n, type=types[n.path]) for n in nodes))
    keys = frozenset(graph[path].key for path in last)
    name = graph.output_option if is_name(graph.output_option) else "outputs"
    return Outputs(name, count, keys, more)


def _with(node: Node, count: int) -> Node:
    assert isinstance(node.op, Conv2d | Linear)
    return replace(node, op=replace(node.op, out=count))
