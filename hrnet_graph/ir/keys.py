"""What parts of a network are called in its `state_dict`, where rules call them otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

from hrnet_graph.errors import RuleError, quoted
from hrnet_graph.ir.graph import Graph, Node, display_name, key_of
from hrnet_graph.ir.hierarchy import prefixes
from hrnet_graph.ir.reserved import RESERVED


@dataclass
class _Names:
    """The table: a place, any part of which may be `*`, -> the name of what stands there."""

    table: Mapping[str, str]
    used: set[str] = field(default_factory=set)
    paths: dict[str, str] = field(default_factory=dict)

    def path(self, path: str) -> str:
        """A path under the names of the table; a part without a name is left out of keys."""
        if path not in self.paths:
            outside, _, last = path.rpartition(".")
            name = last if last.startswith("@") else self._name(key_of(path), last)
            self.paths[path] = f"{self.path(outside)}.{name}" if outside else name
        return self.paths[path]

    def _name(self, place: str, last: str) -> str:
        parts = place.split(".")
        for wanted, pattern in self._patterns.get(len(parts), ()):
            if all(map(_fits, parts, wanted)):
                self.used.add(pattern)
                return self.table[pattern] or f"@{last}"
        return last

    @cached_property
    def _patterns(self) -> Mapping[int, Sequence[tuple[Sequence[str], str]]]:
        """How many parts a place has -> the patterns of as many, in parts and whole."""
        found: dict[int, list[tuple[Sequence[str], str]]] = {}
        for pattern in self.table:
            wanted = pattern.split(".")
            found.setdefault(len(wanted), []).append((wanted, pattern))
        return found


def rename(graph: Graph, table: Mapping[str, str]) -> Graph:
    """The graph with its parts called as a table says.

    `stage1` -> `stage0` renames all that is inside, too; `*` is any one part of a place, a part
    that is renamed to nothing is left out of the keys, and one whose name begins with `/` stands at
    the top. Raises `RuleError` if two come to one name, a name is one that no part can have, or the
    table names a place that there is not.
    """
    for part in (part for name in table.values() for part in name.lstrip("/").split(".")):
        if not part and "/" in table.values():
            raise RuleError("expected a name behind '/', which stands for the top of the network")
        if part in RESERVED:
            raise RuleError(f"every torch module has '{part}' already; expected another name")
    names = _Names(table)
    nodes = tuple(
        replace(node, path=names.path(node.path), inputs=tuple(map(names.path, node.inputs)))
        for node in graph.nodes
    )
    scopes = tuple(replace(scope, path=names.path(scope.path)) for scope in graph.scopes)
    if unused := sorted(table.keys() - names.used):
        raise RuleError(f"no part of the network is called '{unused[0]}'")
    renamed = replace(
        graph,
        nodes=nodes,
        outputs=tuple((name, names.path(path)) for name, path in graph.outputs),
        scopes=scopes,
        summaries=tuple((names.path(path), said) for path, said in graph.summaries),
    )
    nameless = next((node.path for node in renamed.operations if not node.key), None)
    if nameless is not None:
        raise RuleError(f"nothing is left of the name of '{display_name(nameless)}'; expected one")
    check_names(renamed)
    return renamed


def _fits(part: str, wanted: str) -> bool:
    return wanted in ("*", part)


def check_names(graph: Graph) -> None:
    """Raises `RuleError` if two operations have one key, or one has that of a part."""
    keys = [*(node.key for node in graph.nodes), *graph.held_beside]
    (key, count), *_ = Counter(keys).most_common(1)
    if count > 1:
        raise RuleError(f"two operations are named '{key}'")
    parts = {prefix for key in keys for prefix in prefixes(key)}
    if twice := sorted(parts.intersection(keys)):
        raise RuleError(f"'{twice[0]}' names an operation and a part of the network")


def reorder(graph: Graph, names: Sequence[str]) -> Graph:
    """The graph whose `state_dict` has its parts of these names one after another.

    They stand where the first of them did. Raises `RuleError` for a name that no part has, or that
    is there twice.
    """
    for i, name in enumerate(names):
        if name in names[:i]:
            raise RuleError(f"'{name}' is there twice")
        if not any(f"{node.key}.".startswith(f"{name}.") for node in graph.operations):
            raise RuleError(f"no part of the network is called '{name}'")
    return replace(graph, nodes=register(graph.nodes, names))


def register(nodes: Sequence[Node], names: Sequence[str]) -> tuple[Node, ...]:
    """The nodes with those under `names` brought together, in the order of the names."""
    under: dict[str, list[Node]] = {name: [] for name in names}
    before: list[Node] = []
    after: list[Node] = []
    for node in nodes:
        name = next((n for n in names if f"{node.key}.".startswith(f"{n}.")), None)
        if name is not None:
            under[name].append(node)
        else:
            (after if any(under.values()) else before).append(node)
    return (*before, *(node for name in names for node in under[name]), *after)


@cache
def problem_of_name(name: str) -> str:
    """Why no part of a network can have a name, or nothing."""
    for part in name.split("."):
        if not part or part.startswith("_") or part in RESERVED:
            why = ", as torch's modules have that name already" if part in RESERVED else ""
            return f"no part of a network can be named {quoted(name)}{why}"
    return ""
