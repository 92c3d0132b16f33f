"""Parts of a network that no output depends on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from hrnet_graph.analysis.cost import Cost, node_cost
from hrnet_graph.errors import Key, dotted_key
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.hierarchy import prefixes


@dataclass(frozen=True)
class DeadPart:
    """What reaches no output in one module or other part, its cost, the spec's key to
    blame, and what to do about it.
    """

    place: str
    cost: Cost
    key: Key
    remedy: str


def dead_nodes(graph: Graph) -> tuple[Node, ...]:
    """The nodes from which no way leads to an output, in execution order."""
    alive = set(graph.output_paths)
    for node in reversed(graph.order):
        if node.path in alive:
            alive.update(node.inputs)
    return tuple(node for node in graph.order if node.path not in alive)


def dead_parts(graph: Graph) -> tuple[DeadPart, ...]:
    """The dead nodes by the module (or the outermost scope) that they are in."""
    dead = dead_nodes(graph)
    inside, lost = (_nodes_under(nodes) for nodes in (graph.nodes, dead))
    wholly = {path for path, count in lost.items() if count == inside[path]}
    parts: dict[str, list[Node]] = {}
    for node in dead:
        parts.setdefault(_part(graph, node), []).append(node)
    return tuple(_dead_part(graph, path, nodes, wholly) for path, nodes in parts.items())


def _nodes_under(nodes: Iterable[Node]) -> Counter[str]:
    """How many nodes stand in every scope."""
    return Counter(prefix for node in nodes for prefix in prefixes(node.path))


def _part(graph: Graph, node: Node) -> str:
    around = [graph.scope_at[prefix] for prefix in prefixes(node.path) if prefix in graph.scope_at]
    modules = [scope.path for scope in around if scope.kind == "module"]
    return modules[0] if modules else around[0].path if around else node.path


def _dead_part(graph: Graph, path: str, nodes: list[Node], wholly: set[str]) -> DeadPart:
    """What is dead in one part; `wholly` are the scopes of which nothing is alive."""
    cost = sum((node_cost(graph, node) for node in nodes), Cost())
    rows = [s for s in graph.scopes if s.kind == "fuse" and s.path.startswith(f"{path}.")]
    dead_rows = [row for row in rows if row.path in wholly]
    stages = (scope.path for scope in graph.scopes if scope.kind == "stage")
    key: Key = next(
        (("stages", i) for i, s in enumerate(stages) if f"{path}.".startswith(f"{s}.")), ()
    )
    if not dead_rows:
        remedy = "leave it out, or give the head something that reads it"
        return DeadPart(_side_paths(path, nodes, wholly), cost, key, remedy)
    place = f"{path} fuse {', '.join(str(row.branch) for row in dead_rows)}"
    remedy = f"set {dotted_key(key)}.outputs: {len(rows) - len(dead_rows)}"
    return DeadPart(place, cost, key, remedy)


def _side_paths(part: str, nodes: list[Node], wholly: set[str]) -> str:
    """The outermost scopes, or else nodes, of a part of which nothing is alive."""
    first, *more = dict.fromkeys(
        next((p for p in prefixes(node.path) if p in wholly and len(p) >= len(part)), node.path)
        for node in nodes
    )
    named = first.replace("@", "")
    return f"{named} (and {len(more)} more of {part.replace('@', '')})" if more else named
