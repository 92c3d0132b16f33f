"""Parts of a network that no output depends on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hrnet_graph.analysis.cost import Cost, node_cost
from hrnet_graph.errors import Fix, Key, dotted_key
from hrnet_graph.ir.graph import Graph, Node, Scope, display_name
from hrnet_graph.ir.hierarchy import branch_of, prefixes, results_of

REMEDY = "leave it out, or give the head something that reads it"
"""What to do about what no option takes away."""


@dataclass(frozen=True)
class DeadPart:
    """What reaches no output in one module or other part, its cost, the spec's key to
    blame, and the value that helps, where one does.
    """

    place: str
    cost: Cost
    key: Key
    fix: Fix | None = None

    @property
    def remedy(self) -> str:
        """What to do about it, in words."""
        return self.fix.title if self.fix else REMEDY


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
    inside, lost = (
        Counter(prefix for node in nodes for prefix in prefixes(node.path))
        for nodes in (graph.nodes, dead)
    )
    wholly = {path for path, count in lost.items() if count == inside[path]}
    parts: dict[str, list[Node]] = {}
    for node in dead:
        around = [path for path in prefixes(node.path) if path in graph.scope_at]
        modules = [path for path in around if graph.scope_at[path].kind == "module"]
        parts.setdefault((*modules, *around, node.path)[0], []).append(node)
    return tuple(_dead_part(graph, path, nodes, wholly) for path, nodes in parts.items())


def _dead_part(graph: Graph, path: str, nodes: list[Node], wholly: set[str]) -> DeadPart:
    """What is dead in one part; `wholly` are the scopes of which nothing is alive."""
    cost = sum((node_cost(graph, node) for node in nodes), Cost())
    stages = [scope.path for scope in graph.scopes if scope.kind == "stage"]
    key: Key = next(
        (("stages", i) for i, s in enumerate(stages) if f"{path}.".startswith(f"{s}.")), ()
    )
    rows = [s for s in graph.scopes if s.kind == "fuse" and s.path.startswith(f"{path}.")]
    dead_rows = [row for row in rows if row.path in wholly]
    if dead_rows:
        fix = _fewer_outputs(graph, path, nodes, dead_rows, key)
        return DeadPart(
            f"{path} fuse {', '.join(str(row.branch) for row in dead_rows)}", cost, key, fix
        )
    first, *more = dict.fromkeys(  # the outermost that are wholly dead
        next((p for p in prefixes(node.path) if p in wholly and len(p) >= len(path)), node.path)
        for node in nodes
    )
    place = display_name(first)
    if more:
        place += f" (and {len(more)} more of {display_name(path)})"
    return DeadPart(place, cost, key)


def _fewer_outputs(
    graph: Graph, path: str, nodes: list[Node], dead_rows: list[Scope], key: Key
) -> Fix | None:
    """The `outputs` of a stage whose last module computes the coarsest of them for nobody."""
    stage = path.rpartition(".")[0]
    modules = [
        s.path for s in graph.scopes if s.kind == "module" and s.path.startswith(f"{stage}.")
    ]
    inside = tuple(f"{row.path}." for row in dead_rows)
    if not key or path != modules[-1] or not all(n.path.startswith(inside) for n in nodes):
        return None
    module = [node for node in graph.nodes if node.path.startswith(f"{path}.")]
    read = {branch_of(graph, node.path) for node in results_of(graph, module)}
    kept = 1 + max((branch for branch in read if branch is not None), default=-1)
    fewer = any(row.branch is not None and row.branch >= kept for row in dead_rows)
    return Fix(dotted_key((*key, "outputs")), kept) if kept and fewer else None
