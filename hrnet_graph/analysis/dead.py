"""Parts of a network that no output depends on."""

from __future__ import annotations

from dataclasses import dataclass

from hrnet_graph.analysis.cost import Cost, node_cost
from hrnet_graph.errors import Key
from hrnet_graph.ir.graph import Graph, Node, Scope
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
    parts: dict[str, list[Node]] = {}
    for node in dead_nodes(graph):
        parts.setdefault(_part(graph, node), []).append(node)
    return tuple(_dead_part(graph, path, nodes) for path, nodes in parts.items())


def _part(graph: Graph, node: Node) -> str:
    around = [graph.scope_at[prefix] for prefix in prefixes(node.path) if prefix in graph.scope_at]
    modules = [scope.path for scope in around if scope.kind == "module"]
    return modules[0] if modules else around[0].path if around else node.path


def _dead_part(graph: Graph, path: str, nodes: list[Node]) -> DeadPart:
    cost = sum((node_cost(graph, node) for node in nodes), Cost())
    rows = [
        scope
        for scope in graph.scopes
        if scope.kind == "fuse" and scope.path.startswith(f"{path}.")
    ]
    dead = {node.path for node in nodes}
    dead_rows = [row for row in rows if _all_dead(graph, row, dead)]
    if not dead_rows:
        remedy = "leave it out, or give the head something that reads it"
        return DeadPart(path, cost, (), remedy)
    stages = [scope.path for scope in graph.scopes if scope.kind == "stage"]
    stage = stages.index(path.rpartition(".")[0])
    place = f"{path} fuse {', '.join(str(row.branch) for row in dead_rows)}"
    return DeadPart(
        place, cost, ("stages", stage), f"set stages.{stage}.outputs: {len(rows) - len(dead_rows)}"
    )


def _all_dead(graph: Graph, scope: Scope, dead: set[str]) -> bool:
    inside = (node.path for node in graph.nodes if node.path.startswith(f"{scope.path}."))
    return all(path in dead for path in inside)
