"""What a pass makes of a graph, as a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from hrnet_graph.compiler.passes.weights import Ref, WeightExpr, WeightExprs, compose
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.hierarchy import prefixes
from hrnet_graph.ir.ops import Op
from hrnet_graph.ir.sizes import infer_types


class Refusal(NamedTuple):
    """A site that a pass leaves as it is: the path of its node, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Rewrite:
    """A graph that computes the same after training, and how it came about.

    moves: where each entry of its `state_dict` comes from
    done: the paths of the nodes that were rewritten, in the graph before
    refused: the sites that could not be rewritten, or where it does not pay, and why
    """

    graph: Graph
    moves: WeightExprs
    done: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()

    def then(self, later: Rewrite) -> Rewrite:
        """This rewrite and a later one of its graph, as one."""
        return Rewrite(
            later.graph,
            compose(self.moves, later.moves),
            self.done + later.done,
            self.refused + later.refused,
        )


class NewNode(NamedTuple):
    """A node of a graph that is being rewritten: its type is not yet known."""

    path: str
    op: Op
    inputs: tuple[str, ...]


def unchanged_node(node: Node) -> NewNode:
    """A node as it is."""
    return NewNode(node.path, node.op, node.inputs)


def unchanged(graph: Graph) -> Rewrite:
    """The rewrite that does nothing."""
    return Rewrite(graph, {key: Ref(key) for key in graph.state()})


def rebuild(
    graph: Graph,
    drafts: Iterable[NewNode],
    *,
    instead: Mapping[str, str] | None = None,
    moves: Mapping[str, WeightExpr] | None = None,
    done: Iterable[str] = (),
    refused: Iterable[Refusal] = (),
) -> Rewrite:
    """The graph with these nodes in the place of its own, types and scopes derived anew.

    `instead` says, for a result that is gone, which one its readers read. `moves` makes the
    entries that are not kept under their keys.
    """
    new = _rebuild(graph, tuple(drafts), instead or {})
    made = moves or {}
    kept = {key: made.get(key) or Ref(key) for key in new.state()}
    return Rewrite(new, kept, tuple(done), tuple(refused))


def _rebuild(graph: Graph, drafts: tuple[NewNode, ...], instead: Mapping[str, str]) -> Graph:
    def now(path: str) -> str:
        while path in instead:
            path = instead[path]
        return path

    nodes = tuple(
        Node(path, op, tuple(now(operand) for operand in inputs), graph.input.type)
        for path, op, inputs in drafts
    )
    scopes = {prefix for node in nodes for prefix in prefixes(node.path)}
    untyped = replace(
        graph,
        nodes=nodes,
        outputs=tuple((name, now(path)) for name, path in graph.outputs),
        scopes=tuple(scope for scope in graph.scopes if scope.path in scopes),
    )
    types = infer_types(untyped, graph.input.type)
    return replace(untyped, nodes=tuple(replace(n, type=types[n.path]) for n in nodes))
