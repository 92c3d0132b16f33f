"""What parts of a network are called in its `state_dict`, where rules call them otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import groupby, pairwise, takewhile
from typing import Any

from hrnet_graph.errors import Key, RuleError, nearest, quoted
from hrnet_graph.ir.graph import Graph, Node, display_name, key_of
from hrnet_graph.ir.hierarchy import prefixes
from hrnet_graph.ir.ops import Op
from hrnet_graph.ir.reserved import RESERVED

Idle = dict[Key, str]
"""Keys, within a table or a list, of what changes nothing, each with why."""


@dataclass
class _Names:
    """The table: a place, any part of which may be `*`, -> the name of what stands there.

    `met` are the places at which a part stands, `used` those that name one, `changed` those that
    call it otherwise.
    """

    table: Mapping[str, str]
    met: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
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
        rows = self._patterns.get(len(parts), ())
        patterns = [pattern for wanted, pattern in rows if all(map(_fits, parts, wanted))]
        self.met.update(patterns)
        if not patterns:
            return last
        self.used.add(patterns[0])
        name = self.table[patterns[0]] or f"@{last}"
        self.changed.update(patterns[:1] if name != last else ())
        return name

    def idle(self, graph: Graph) -> Idle:
        """What changes nothing of the graph that was renamed."""
        found: Idle = {}
        for pattern in self.table:
            if pattern not in self.met:
                found[(pattern,)] = _unknown(graph, pattern)
            elif pattern not in self.used:
                found[(pattern,)] = "an entry before it names all that it does"
            elif pattern not in self.changed:
                found[(pattern,)] = f"what is there is called '{self.table[pattern]}' anyway"
        return found

    @cached_property
    def _patterns(self) -> Mapping[int, Sequence[tuple[Sequence[str], str]]]:
        """How many parts a place has -> the patterns of as many, in parts and whole."""
        found: dict[int, list[tuple[Sequence[str], str]]] = {}
        for pattern in self.table:
            wanted = pattern.split(".")
            found.setdefault(len(wanted), []).append((wanted, pattern))
        return found


def rename(graph: Graph, table: Mapping[str, str]) -> tuple[Graph, Idle]:
    """The graph with its parts called as a table says, and what of the table changes nothing.

    `stage1` -> `stage0` renames all that is inside, too; `*` is any one part of a place, a part
    that is renamed to nothing is left out of the keys, and one whose name begins with `/` stands at
    the top. Raises `RuleError`, which blames an entry, if two come to one name, or a name is one
    that no part can have.
    """
    for place, name in table.items():
        for part in name.lstrip("/").split("."):
            if not part and "/" in name:
                message = "expected a name behind '/', which stands for the top of the network"
                raise RuleError(message, option=(place,))
            if part in RESERVED:
                message = f"every torch module has '{part}' already; expected another name"
                raise RuleError(message, option=(place,))
    names = _Names(table)
    renamed = _renamed(graph, names)
    if message := _clash(renamed):
        hint = "`keys: null`, and `order: null` if there is one, calls all parts as they are here"
        raise RuleError(message, hint, option=lambda: _to_blame(graph, table, message))
    return together(renamed), names.idle(graph)


def _unknown(graph: Graph, place: str) -> str:
    places = {key for node in graph.operations for key in (*prefixes(node.key), node.key)}
    return f"no part of the network is called '{place}'{nearest(place, sorted(places))}"


def _renamed(graph: Graph, names: _Names) -> Graph:
    nodes = tuple(
        replace(node, path=names.path(node.path), inputs=tuple(map(names.path, node.inputs)))
        for node in graph.nodes
    )
    return replace(
        graph,
        nodes=nodes,
        outputs=tuple((name, names.path(path)) for name, path in graph.outputs),
        scopes=tuple(replace(scope, path=names.path(scope.path)) for scope in graph.scopes),
        summaries=tuple((names.path(path), said) for path, said in graph.summaries),
    )


def _clash(graph: Graph) -> str:
    """Why parts cannot be called as they are, or nothing."""
    nameless = next((node.path for node in graph.operations if not node.key), None)
    if nameless is not None:
        return f"nothing is left of the name of '{display_name(nameless)}'; expected one"
    try:
        check_names(graph)
    except RuleError as error:
        return error.message
    return ""


def _to_blame(graph: Graph, table: Mapping[str, str], message: str) -> Key:
    """The last entry of a table without which there is no such clash."""
    for place in reversed([*table]):
        rest = {other: name for other, name in table.items() if other != place}
        if _clash(_renamed(graph, _Names(rest))) != message:
            return (place,)
    return ()


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


def reorder(graph: Graph, names: Sequence[str]) -> tuple[Graph, Idle]:
    """The graph whose `state_dict` has its parts of these names one after another, and which of the
    names change nothing.

    They stand where the first of them did. Raises `RuleError`, which blames a name, for one that is
    there twice, and for parts between which a module has others.
    """
    owners = [_owner(node, names) for node in graph.operations]
    idle: Idle = {}
    for i, name in enumerate(names):
        if name in names[:i]:
            raise RuleError(f"'{name}' is there twice", option=(i,))
        if name not in owners:
            is_there = any(_owner(node, [name]) for node in graph.operations)
            what = "a name before it has all that it does"
            idle[(i,)] = what if is_there else _unknown(graph, name)
    ordered = together(replace(graph, nodes=register(graph.nodes, [names])))
    _check_order(ordered.nodes, names, [name for name in names if name in owners])
    if [*ordered.state()] == [*graph.state()]:
        idle[()] = "its parts stand in this order anyway"
    return ordered, idle


def _owner(node: Node, names: Sequence[str]) -> str | None:
    """The first of some names under which a node stands."""
    return next((name for name in names if f"{node.key}.".startswith(f"{name}.")), None)


def _check_order(nodes: Sequence[Node], names: Sequence[str], wanted: Sequence[str]) -> None:
    """Raises `RuleError` unless the nodes of these names stand one right after another."""
    found = [name for name, _ in groupby(nodes, lambda node: _owner(node, names))]
    for one, other in pairwise(wanted):
        if found[found.index(one) + 1 :][:1] != [other]:
            parts = [one.split("."), other.split(".")]
            alike = takewhile(lambda pair: pair[0] == pair[1], zip(*parts, strict=False))
            shared = len([*alike]) + 1
            whole = " and ".join(".".join(each[:shared]) for each in parts)
            message = f"'{other}' cannot stand right after '{one}'"
            hint = f"a module has all that is in a part of it together: name {whole}"
            raise RuleError(message, hint, option=(names.index(other),))


def together(graph: Graph) -> Graph:
    """The graph whose `state_dict` has all of a part together, where its first operation stands,
    which is how modules have it.
    """
    nodes = _by_parts(graph.operations)
    if _with_state(nodes) == _with_state(graph.operations):
        return graph
    return replace(graph, nodes=(graph.input, *nodes))


def _with_state(nodes: Sequence[Node]) -> list[Node]:
    return [node for node in nodes if type(node.op).state is not Op.state]


def _by_parts(nodes: Sequence[Node]) -> list[Node]:
    root: dict[str, Any] = {}
    scopes = {"": root}
    for node in nodes:
        around, _, last = node.key.rpartition(".")
        if around not in scopes:
            inside = root
            for part in around.split("."):
                inside = inside.setdefault(part, {})
            scopes[around] = inside
        scopes[around][last] = node
    return [*_leaves(root)]


def _leaves(inside: Mapping[str, Any]) -> Iterator[Node]:
    for part in inside.values():
        if isinstance(part, Node):
            yield part
        else:
            yield from _leaves(part)


def register(nodes: Sequence[Node], reserved: Sequence[Sequence[str]]) -> tuple[Node, ...]:
    """The nodes with those under the names that one entry reserves brought together, in the order
    of the names, where the first of them stood; and so for each entry.
    """
    if not reserved:
        return tuple(nodes)
    order, place = [*nodes], {node.path: i for i, node in enumerate(nodes)}
    under = _under({name for names in reserved for name in names}, nodes)
    for names in reserved:
        found = (sorted(under[name], key=lambda node: place[node.path]) for name in names)
        wanted = {node.path: node for each in found for node in each}
        places = [place[path] for path in wanted]
        first, last = min(places, default=0), max(places, default=-1)
        others = [node for node in order[first : last + 1] if node.path not in wanted]
        order[first : last + 1] = [*wanted.values(), *others]
        place |= {node.path: i for i, node in enumerate(order[first : last + 1], first)}
    return tuple(order)


def _under(names: Iterable[str], nodes: Iterable[Node]) -> Mapping[str, list[Node]]:
    """The nodes that stand under each name."""
    under: dict[str, list[Node]] = {name: [] for name in names}
    for node in nodes if under else ():
        for name in (*prefixes(node.key), node.key):
            if name in under:
                under[name].append(node)
    return under


@cache
def problem_of_name(name: str) -> str:
    """Why no part of a network can have a name, or nothing."""
    for part in name.split("."):
        if not part or part.startswith("_") or part in RESERVED:
            why = ", as torch's modules have that name already" if part in RESERVED else ""
            return f"no part of a network can be named {quoted(name)}{why}"
    return ""
