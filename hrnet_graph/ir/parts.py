"""Parts of networks as values: what a function of a builder wrote, wherever that stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar, cast

from hrnet_graph.ir.builder import Value
from hrnet_graph.ir.graph import Graph, Initialisation, Node, Scope, in_order, key_of
from hrnet_graph.ir.hierarchy import prefixes
from hrnet_graph.ir.keys import together
from hrnet_graph.ir.ops import Input, Op
from hrnet_graph.ir.types import TensorType

Answer = TypeVar("Answer")


@dataclass(frozen=True, eq=False)
class Part:
    """What a function wrote of its operands, which are called `:0`, `:1`, ... in it.

    nodes: in registration order, their paths without what stands in front of them
    reserved: the keys for which that was settled
    calls: the rules that were called; `asks`, which of norm and activation was asked for
    """

    nodes: tuple[Node, ...]
    scopes: tuple[Scope, ...]
    summaries: tuple[tuple[str, str], ...]
    operands: tuple[Value, ...]
    result: object
    reserved: tuple[str, ...]
    calls: tuple[tuple[object, tuple[object, ...]], ...]
    asks: tuple[bool, bool]
    facts: dict[Hashable, object] = field(default_factory=dict)

    @cached_property
    def results(self) -> tuple[str, ...]:
        """The paths of what it hands out, each once, without operands that it hands on."""
        paths = dict.fromkeys(value.path for value in values_of(self.result))
        return tuple(path for path in paths if not path.startswith(":"))

    @cached_property
    def result_types(self) -> tuple[TensorType, ...]:
        """The types of these."""
        types = {node.path: node.type for node in self.nodes}
        return tuple(types[path] for path in self.results)

    @cached_property
    def is_in_order(self) -> bool:
        """Whether its nodes stand after what they read from."""
        sources = {value.path: () for value in self.operands}
        return in_order({**sources, **{node.path: node.inputs for node in self.nodes}})

    @cached_property
    def holds_constants(self) -> bool:
        """Whether an operation has something that stands beside it."""
        return any(node.op.constants() for node in self.nodes)

    @cached_property
    def ops(self) -> Mapping[int, Op]:
        """Its ops by identity, one for all nodes that share it."""
        return {id(node.op): node.op for node in self.nodes}

    @cached_property
    def is_together(self) -> bool:
        """Whether they stand in the order that modules have."""
        return bool(self.nodes) and together(self.graph) is self.graph

    @cached_property
    def graph(self) -> Graph:
        """The part alone, under `part`, as a network of whatever it reads."""
        image = Node(":", Input((1, 1, 1)), (), TensorType((1, 1, 1)))
        read = [Node(value.path, image.op, (), value.type) for value in self.operands]
        paths = tuple(value.path for value in self.operands)
        placed = place_part(self, "part.", paths)
        outputs = tuple((f"out{i}", f"part.{path}") for i, path in enumerate(self.results))
        nodes = (image, *read, *placed.nodes.values())
        start = Initialisation()
        return Graph("part", nodes, outputs, "list", tuple(placed.scopes.values()), start, start)

    def fact(self, what: Hashable, find: Callable[[Part], Answer]) -> Answer:
        """What is true of it by itself, found once."""
        if what not in self.facts:
            self.facts[what] = find(self)
        return cast(Answer, self.facts[what])


@dataclass(frozen=True, eq=False)
class Placed:
    """A part as it stands in a network: behind a prefix, with operands by their paths."""

    part: Part
    prefix: str
    operands: tuple[str, ...]
    nodes: Mapping[str, Node]
    keys: frozenset[str]
    scopes: Mapping[str, Scope]
    summaries: Mapping[str, str]
    result: object
    facts: dict[Hashable, object] = field(default_factory=dict)

    def fact(self, what: Hashable, find: Callable[[Placed], Answer]) -> Answer:
        """What is true of it as it stands, found once."""
        if what not in self.facts:
            self.facts[what] = find(self)
        return cast(Answer, self.facts[what])

    @cached_property
    def scopes_around(self) -> tuple[str, ...]:
        """The scopes in which all of it stands."""
        return tuple(prefixes(f"{self.prefix}:"))

    @cached_property
    def keys_around(self) -> tuple[str, ...]:
        """Their keys."""
        return tuple(prefixes(key_of(f"{self.prefix}:")))

    @cached_property
    def results(self) -> tuple[str, ...]:
        """The paths of what it hands out."""
        return tuple(self.prefix + path for path in self.part.results)

    @cached_property
    def pieces(self) -> tuple[Node | Placed, ...]:
        """The same as parts, each of which is a scope, and the nodes between them."""
        found: list[Node | Placed] = []
        paths = dict(zip((f":{i}" for i in range(len(self.operands))), self.operands, strict=True))
        paths |= {path.removeprefix(self.prefix): path for path in self.nodes}
        for piece in self.part.fact("pieces", pieces_of):
            if isinstance(piece, Node):
                found.append(self.nodes[paths[piece.path]])
            else:
                inside, prefix, operands = piece
                read = tuple(paths[path] for path in operands)
                found.append(place_part(inside, self.prefix + prefix, read))
        return tuple(found)

    @property
    def is_scope(self) -> bool:
        """Whether it is a submodule: what stands in front of it is not for display alone."""
        return self.prefix != "" and not self.prefix[:-1].rpartition(".")[2].startswith("@")

    @cached_property
    def around(self) -> frozenset[str]:
        """The parts of the network, at its top, in which it stands."""
        return frozenset(key.partition(".")[0] for key in self.keys if "." in key)

    @cached_property
    def is_apart(self) -> bool:
        """Whether all of its keys are those of one submodule, in the order that this has."""
        around = f"{key_of(self.prefix[:-1])}."
        return self.part.is_together and all(key.startswith(around) for key in self.keys)

    @cached_property
    def reserved(self) -> tuple[str, ...]:
        """The keys under which nothing else may stand."""
        return tuple(key_of(self.prefix + name) for name in self.part.reserved)

    @cached_property
    def tops(self) -> frozenset[str]:
        """The outermost of what is in it, by key."""
        names = {key_of(node.path).partition(".")[0] for node in self.part.nodes}
        around = key_of(self.prefix[:-1])
        return frozenset(f"{around}.{name}" if around else name for name in names)


def place_part(part: Part, prefix: str, operands: tuple[str, ...]) -> Placed:
    """A part behind a prefix, which reads these paths."""
    paths = {f":{i}": path for i, path in enumerate(operands)}
    paths |= {node.path: prefix + node.path for node in part.nodes}
    nodes = {
        paths[n.path]: Node(paths[n.path], n.op, tuple(paths[at] for at in n.inputs), n.type)
        for n in part.nodes
    }
    scopes = (replace(scope, path=prefix + scope.path) for scope in part.scopes)
    return Placed(
        part=part,
        prefix=prefix,
        operands=operands,
        nodes=nodes,
        keys=frozenset(map(key_of, nodes)),
        scopes={scope.path: scope for scope in scopes},
        summaries={prefix + path: said for path, said in part.summaries},
        result=_renamed(part.result, paths),
    )


Piece = tuple[Part, str, tuple[str, ...]]
"""A part of a part, what stands in front of it there, and what it reads."""


def pieces_of(part: Part) -> list[Node | Piece]:
    """A part as the outermost scopes in it whose nodes follow one another, and nodes."""
    nodes, found = part.nodes, list[Node | Piece]()
    under = Counter(prefix for node in nodes for prefix in prefixes(node.path))
    at = 0
    while at < len(nodes):
        size, scope = 1, ""
        for scope in prefixes(nodes[at].path):
            inside = nodes[at : at + under[scope]]
            shown = scope.rpartition(".")[2].startswith("@")
            if not shown and all(node.path.startswith(f"{scope}.") for node in inside):
                size = len(inside)
                break
        found.append(nodes[at] if size == 1 else _piece(part, nodes[at : at + size], f"{scope}."))
        at += size
    return found


def _piece(part: Part, nodes: tuple[Node, ...], prefix: str) -> Piece:
    """Some nodes of a part behind a prefix, as a part of their own."""
    inside = {node.path for node in nodes}
    read = [*dict.fromkeys(at for node in nodes for at in node.inputs if at not in inside)]
    types = {node.path: node.type for node in part.nodes} | {v.path: v.type for v in part.operands}
    outside = {at for node in part.nodes if node.path not in inside for at in node.inputs}
    handed = [n for n in nodes if n.path in outside or n.path in part.results]
    names = {at: f":{i}" for i, at in enumerate(read)}
    names |= {path: path.removeprefix(prefix) for path in inside}
    own = replace(
        part,
        nodes=tuple(
            Node(names[n.path], n.op, tuple(names[at] for at in n.inputs), n.type) for n in nodes
        ),
        scopes=tuple(
            replace(scope, path=scope.path.removeprefix(prefix))
            for scope in part.scopes
            if scope.path.startswith(prefix)
        ),
        summaries=(),
        operands=tuple(Value(names[at], types[at]) for at in read),
        result=[Value(names[n.path], n.type) for n in handed],
        reserved=(),
        facts={},
    )
    return own, prefix, tuple(read)


def split(graph: Graph, parts: Iterable[Placed]) -> list[Node | Placed]:
    """A network as parts and the nodes between them, in registration order.

    A part that does not stand there as one piece is taken as nodes.
    """
    first = {next(iter(placed.nodes)): placed for placed in parts if placed.nodes}
    found: list[Node | Placed] = []
    at, nodes = 0, graph.nodes
    while at < len(nodes):
        placed = first.get(nodes[at].path)
        size = len(placed.nodes) if placed else 1
        if placed and nodes[at : at + size] == tuple(placed.nodes.values()):
            found.append(placed)
            at += size
        else:
            found.append(nodes[at])
            at += 1
    return found


def read_by(item: Node | Placed) -> tuple[str, ...]:
    """The paths of what a node or a part reads."""
    return item.inputs if isinstance(item, Node) else item.operands


def types_in(items: Iterable[Node | Placed]) -> Mapping[str, TensorType]:
    """Path -> type, of all nodes of a network but those that stand within its parts."""
    types: dict[str, TensorType] = {}
    for item in items:
        if isinstance(item, Node):
            types[item.path] = item.type
        else:
            types.update(zip(item.results, item.part.result_types, strict=True))
    return types


def is_in_order(items: Sequence[Node | Placed]) -> bool:
    """Whether all nodes of a network in this order stand after what they read from."""
    made: set[str] = set()
    for item in items:
        if not made.issuperset(read_by(item)):
            return False
        made.update((item.path,) if isinstance(item, Node) else item.results)
    return all(item.part.is_in_order for item in items if isinstance(item, Placed))


def values_of(found: object) -> Iterator[Value]:
    """The values among operands or results."""
    if isinstance(found, Value):
        yield found
    elif isinstance(found, Mapping):
        yield from values_of([*found.values()])
    elif isinstance(found, list | tuple):
        for item in found:
            yield from values_of(item)


def _renamed(found: object, paths: Mapping[str, str]) -> object:
    """Results with their values under other paths."""
    if isinstance(found, Value):
        return replace(found, path=paths[found.path])
    if isinstance(found, Mapping):
        return {name: _renamed(item, paths) for name, item in found.items()}
    if isinstance(found, list | tuple):
        return type(found)(_renamed(item, paths) for item in found)
    return found
