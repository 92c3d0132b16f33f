"""A graph with modules that repeat one another drawn once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.viz.select import under, within


def fold_modules(graph: Graph, apart: Iterable[str] = ()) -> tuple[Graph, Mapping[str, int]]:
    """The graph with the first alone of modules that repeat one another, and how many it is for.

    What reads the last of them reads the first. Modules that hold one of the parts `apart` stay.
    """
    apart, first = tuple(apart), dict[str, str]()
    modules = [
        _Module(scope.path, tuple(n for n in graph.order if under(n.path, scope.path)))
        for scope in graph.scopes
        if scope.kind == "module"
    ]
    for before, module in pairwise(modules):
        named = (within(part, each.path) for part in apart for each in (before, module))
        if not any(named) and _repeats(graph, before, module, before.path in first):
            first[module.path] = first.get(before.path, before.path)

    def home(path: str) -> str:
        own = next((module for module in first if within(path, module)), "")
        return first[own] + path[len(own) :] if own else path

    nodes = (node for node in graph.nodes if home(node.path) == node.path)
    folded = replace(
        graph,
        nodes=tuple(replace(n, inputs=tuple(home(path) for path in n.inputs)) for n in nodes),
        outputs=tuple((name, home(path)) for name, path in graph.outputs),
        scopes=tuple(scope for scope in graph.scopes if home(scope.path) == scope.path),
    )
    return folded, {path: 1 + count for path, count in Counter(first.values()).items()}


@dataclass(frozen=True)
class _Module:
    """A module's path and nodes, in execution order."""

    path: str
    nodes: tuple[Node, ...]

    @property
    def read(self) -> list[str]:
        """What it reads, in order."""
        inside = {node.path for node in self.nodes}
        return list(dict.fromkeys(p for n in self.nodes for p in n.inputs if p not in inside))

    @property
    def read_within(self) -> list[str]:
        """What it reads, by the places in the module that gives it, of the same stage."""
        return [path[len(self.stage) + 1 :].partition(".")[2] for path in self.read]

    @property
    def stage(self) -> str:
        return self.path.rpartition(".")[0]

    @property
    def form(self) -> list[object]:
        """What it computes after training, whatever it is called and reads."""
        at = {path: str(i) for i, path in enumerate(self.read)}
        here = len(self.path)
        return [
            (
                n.path[here:],
                type(n.op) if n.op.for_training else n.op,
                n.type,
                [at.get(path, path[here:]) for path in n.inputs],
            )
            for n in self.nodes
        ]


def _repeats(graph: Graph, before: _Module, module: _Module, is_later: bool) -> bool:
    """Whether a module computes what the one before it does, of that one's results alone, and
    nothing else reads these. From the second on, both read the same results, too.
    """
    if before.stage != module.stage or before.form != module.form:
        return False
    if not all(under(path, before.path) for path in module.read):
        return False
    inner, next_ = ({node.path for node in each.nodes} for each in (before, module))
    if any(n in graph.output_paths or not {*graph.readers[n]} <= inner | next_ for n in inner):
        return False
    return not is_later or before.read_within == module.read_within
