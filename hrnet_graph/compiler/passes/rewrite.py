"""What a pass makes of a graph, as a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

from hrnet_graph.compiler.passes.weights import Ref, WeightExpr, WeightExprs
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.hierarchy import prefixes


class Refusal(NamedTuple):
    """A site that a pass leaves as it is: the path of its node, and why."""

    path: str
    reason: str


class Change(NamedTuple):
    """What becomes of a site: the path of its node, and the one whose result is read instead.

    nodes: path of a node -> the new ones in its place, their types known; none where it is gone
    weights: the entries of the `state_dict` that are not kept under their keys
    """

    path: str
    replaced_by: str
    nodes: Mapping[str, tuple[Node, ...]]
    weights: WeightExprs = MappingProxyType({})


@dataclass(frozen=True)
class Rewrite:
    """A graph that computes the same after training, and how it came about.

    weights: where each entry of its `state_dict` comes from
    done: the paths of the nodes that were rewritten, in the graph before
    refused: the sites that could not be rewritten, or where it does not pay, and why
    """

    graph: Graph
    weights: WeightExprs
    done: tuple[str, ...]
    refused: tuple[Refusal, ...]


def rewrite(graph: Graph, sites: Iterable[Change | Refusal]) -> Rewrite:
    """The graph with all changes made, no two of them at one node; its scopes are derived anew."""
    new_nodes: dict[str, tuple[Node, ...]] = {}
    expressions: dict[str, WeightExpr] = {}
    replaced_by: dict[str, str] = {}
    refused = []
    for site in sites:
        if isinstance(site, Refusal):
            refused.append(site)
            continue
        replaced_by[site.path] = site.replaced_by
        new_nodes |= site.nodes
        expressions |= site.weights

    if not replaced_by:
        return Rewrite(graph, {key: Ref(key) for key in graph.state()}, (), tuple(refused))

    def now(path: str) -> str:
        while path in replaced_by:
            path = replaced_by[path]
        return path

    def moved(node: Node) -> Node:
        if replaced_by.keys().isdisjoint(node.inputs):
            return node
        return replace(node, inputs=tuple(map(now, node.inputs)))

    nodes = tuple(moved(new) for node in graph.nodes for new in new_nodes.get(node.path, (node,)))
    scopes = {prefix for node in nodes for prefix in prefixes(node.path)}
    after = replace(
        graph,
        nodes=nodes,
        outputs=tuple((name, now(path)) for name, path in graph.outputs),
        scopes=tuple(scope for scope in graph.scopes if scope.path in scopes),
    )
    weights = {key: expressions.get(key) or Ref(key) for key in after.state()}
    return Rewrite(after, weights, tuple(replaced_by), tuple(refused))


def reads_alone(graph: Graph, reader: Node, path: str) -> bool:
    """Whether a node alone ever sees one of its operands, and sees it once."""
    once = graph.readers[path] == (reader.path,) and reader.inputs.count(path) == 1
    return once and path not in graph.output_paths
