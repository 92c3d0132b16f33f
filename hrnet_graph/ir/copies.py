"""A builder that copies what was written of equal operands before, instead of asking again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from itertools import chain
from typing import NoReturn, TypeVar, cast

from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.ir.builder import MAX_NODES, Builder, Value, Written
from hrnet_graph.ir.graph import Graph, Node, key_of
from hrnet_graph.ir.hierarchy import prefixes
from hrnet_graph.ir.keys import together
from hrnet_graph.ir.ops import Op
from hrnet_graph.ir.parts import Answer, Part, Placed, place_part, split, values_of
from hrnet_graph.ir.trail import Trail

Given = TypeVar("Given", bound="Op | None")

MOST = 20_000
"""How many operations a memory of networks holds before it is emptied: some 10 MB."""


class Known:
    """Parts of the networks that were built so far, by what they were made of: those that are met
    more than once, since keeping one takes longer than writing it, or `at_once` all.

    All are forgotten when they come to more than `most` operations. Where all are kept, `trail` has
    what the last network had come to on its way.
    """

    def __init__(self, most: int = MOST, at_once: bool = False) -> None:
        self._most, self._at_once = most, at_once
        self._met: set[Hashable] = set()
        self._parts: dict[Hashable, Part | None] = {}
        self._placed: dict[tuple[Part, str, tuple[str, ...]], Placed] = {}
        self.trail: Trail[object] | None = Trail() if at_once else None
        self._answers: dict[Hashable, object] = {}
        self._size = 0

    def builder(self, like: Builder, context: Hashable) -> PartBuilder:
        """An empty builder as another one is, whose norm and activation `context` says."""
        return PartBuilder(like, self, context)

    def part(self, what: Hashable, write: Callable[[], Part | None]) -> Part | None:
        """What was written of this before, or is written now; None for what cannot be copied, and
        for what is met for the first time.
        """
        if (known := self._parts.get(what, self)) is not self:
            return cast("Part | None", known)
        if not self._at_once and what not in self._met:
            self._grow(None)
            self._met.add(what)
            return None
        part = write()
        self._grow(part)
        self._parts[what] = part
        return part

    def place(self, part: Part, prefix: str, operands: tuple[str, ...]) -> Placed:
        """A part at its place."""
        at = part, prefix, operands
        if (placed := self._placed.get(at)) is None:
            placed = place_part(*at)
            self._grow(part)
            self._placed[at] = placed
        return placed

    def answer(self, what: Hashable, find: Callable[[], Answer]) -> Answer:
        """What was found before, or is found now; `what` says all that it depends on."""
        if (known := self._answers.get(what, self)) is not self:
            return cast(Answer, known)
        found = find()
        self._grow(None)
        self._answers[what] = found
        return found

    def _grow(self, part: Part | None) -> None:
        """Makes room for a part once more."""
        self._size += len(part.nodes) if part else 1
        if self._size > self._most:
            self._met.clear()
            self._parts.clear()
            self._placed.clear()
            self._answers.clear()
            self._size = 0


class PartBuilder(Builder):
    """Copies what was written of equal operands before; `placed` is what it copied.

    The graph is that of a `Builder`, value for value: what could tell on what it is copied to, its
    operands' types and depth apart, is never kept. Once it is finished, `items` are the network as
    what was copied and the nodes between.
    """

    def __init__(self, like: Builder, known: Known, context: Hashable) -> None:
        super().__init__(like._norm, like._activation)
        self._known, self._context = known, context
        self.placed: list[Placed] = []
        self._parts_of: dict[Part, None] = {}
        self._alone: list[str] = []
        self.items: Sequence[Node | Placed] = ()

    @property
    def state(self) -> dict[str, object]:
        """All that was written so far, as it stands now."""
        kept = vars(self).items()
        return {name: _apart(held) for name, held in kept if name not in _OF_A_NETWORK}

    def resume(self, state: Mapping[str, object]) -> None:
        """Goes on from what another builder, in the same place, had written."""
        vars(self).update((name, _apart(held)) for name, held in state.items())

    def add(self, name: str, op: Op, *operands: Value) -> Value:
        value = super().add(name, op, *operands)
        self._alone.append(value.path)
        return value

    def once(self, what: Hashable, write: Callable[..., Written], *operands: object) -> Written:
        if what is None:
            return write(self, *operands)
        paths: dict[str, int] = {}
        key = what, _told(operands, paths), self._context, self._depth
        part = self._known.part(key, lambda: self._record(write, operands))
        placed = part and self._known.place(part, self._prefix, tuple(paths))
        if placed and self._is_free(placed):
            self._copy(placed)
            return cast(Written, placed.result)
        return write(self, *operands)

    def _is_free(self, placed: Placed) -> bool:
        """Whether a part can stand where it is to be copied to."""
        room = len(self._nodes) + len(placed.nodes) <= MAX_NODES
        return room and self._keys.isdisjoint(placed.keys)

    def _copy(self, placed: Placed) -> None:
        self._nodes |= placed.nodes
        self._keys |= placed.keys
        self._scopes |= placed.scopes
        self._summaries |= placed.summaries
        self._stopped = ""
        self.placed.append(placed)
        if placed.part not in self._parts_of:
            self._parts_of[placed.part] = None
            self.calls += placed.part.calls
        for asks, wanted in zip(placed.part.asks, (self._norm, self._activation), strict=True):
            if asks and callable(wanted):
                wanted()

    def _record(self, write: Callable[..., object], operands: tuple[object, ...]) -> Part | None:
        """What a function writes where its operands' types are all there is to know."""
        stand_ins: dict[str, Value] = {}
        operands = tuple([_stand_in(operand, stand_ins) for operand in operands])
        asks: set[str] = set()
        b = _Recorder(_noted(self._norm, "norm", asks), _noted(self._activation, "act", asks))
        b._depth = self._depth
        before = {name: copy(state) for name, state in vars(b).items()}
        values = tuple(stand_ins.values())
        b.take(values)
        nothing = cast(Op, _Unknown())
        b._nodes |= {value.path: Node(value.path, nothing, (), value.type) for value in values}
        try:
            result = write(b, *operands)
        except Exception:  # which it will raise again where it is written in earnest
            return None
        nodes = tuple(node for node in b._registered() if not node.path.startswith(":"))
        known = {value.path for value in values_of(result)} <= b._nodes.keys()
        others = vars(b).keys() - _COPIED
        if not known or any(vars(b)[name] != before.get(name) for name in others):
            return None
        return Part(
            nodes=nodes,
            scopes=tuple(b._scopes.values()),
            summaries=tuple(b._summaries.items()),
            operands=values,
            result=result,
            reserved=tuple(name for names in b._reserved for name in names),
            calls=tuple({_stand_in(call, {}): call for call in b.calls}.values()),
            asks=("norm" in asks, "act" in asks),
        )

    def _parts(self) -> set[str]:
        alone = (key_of(path) for path in self._alone)
        parts = {key.partition(".")[0] for key in alone if "." in key}
        return parts.union(*(placed.around for placed in self.placed))

    def _holds_constants(self) -> bool:
        parts = any(part.holds_constants for part in self._parts_of)
        return parts or any(self._nodes[path].op.constants() for path in self._alone)

    def _together(self, graph: Graph) -> Graph:
        self.items = split(graph, self.placed)
        alike = replace(graph, nodes=tuple(_stand_ins(self.items)))
        if together(alike) is not alike:
            graph = together(graph)
            self.items = split(graph, self.placed)
        return graph

    def _registered(self) -> tuple[Node, ...]:
        """The nodes in registration order, which parts are in already.

        Raises `CopyError` where something else stands under what a part reserved.
        """
        if any(placed.reserved for placed in self.placed):
            self._check_reserved()
        return super()._registered()

    def _check_reserved(self) -> None:
        apart = {*map(key_of, self._alone)}
        under = Counter(name for key in apart for name in (*prefixes(key), key))
        for placed in self.placed:
            under.update(_reached(placed))
        inside = Counter(top for placed in self.placed for top in placed.tops)
        for placed in self.placed:
            for name in placed.reserved:
                around = [*prefixes(name), name]
                others = under[name] + sum(inside[top] for top in around)
                if others > sum(top in placed.tops for top in around):
                    raise CopyError(f"more than one part stands under {quoted(name)}")


_OF_A_NETWORK = {"_norm", "_activation", "_inference", "_known", "_context", "items"}
"""What of a builder's state says nothing of what it wrote."""


def _apart(held: object) -> object:
    """A container that no longer changes when another builder's does."""
    return copy(held) if isinstance(held, dict | set | list) else held


class CopyError(HRNetGraphError):
    """A network that has to be built without copying."""


class _Recorder(Builder):
    """A builder of a part alone, which can say nothing of the network around it."""

    @property
    def remembered(self) -> NoReturn:
        raise CopyError("what is remembered is not known")

    @property
    def stopped(self) -> NoReturn:
        raise CopyError("where it stopped is not known")

    @property
    def written(self) -> NoReturn:
        raise CopyError("what is written is not known")

    def __len__(self) -> NoReturn:
        raise CopyError("how much there is is not known")

    def has_part(self, name: str) -> NoReturn:
        """Nothing that could be told."""
        raise CopyError("the network's parts are not known")


class _Unknown:
    """The op of an operand: what a rule makes of that is not to be copied."""

    def __getattr__(self, name: str) -> NoReturn:
        raise CopyError(f"{name} of an operand's op is not known")


_COPIED = {
    "_nodes",
    "_values",
    "_keys",
    "_scopes",
    "_summaries",
    "_reserved",
    "_inference",
    "_stopped",
    "calls",
}
"""What of a builder's state is copied, or says nothing of the network."""


def _stand_ins(items: Sequence[Node | Placed]) -> Iterator[Node]:
    """A node for each part that has all that stands under its key, in the order of modules."""
    pieces = list[Node | Placed]()
    for item in items:
        pieces += [item] if isinstance(item, Node) or item.is_scope else item.pieces
    keys = (prefixes(each.key) if isinstance(each, Node) else each.keys_around for each in pieces)
    around = Counter(chain.from_iterable(keys))
    for item in pieces:
        if isinstance(item, Node):
            yield item
        elif around[item.keys_around[-1]] == 1 and item.is_apart:
            yield item.fact("first", _first)
        else:
            yield from item.nodes.values()


def _first(placed: Placed) -> Node:
    """A node in its place as the first in it that has a state, if there is one."""
    nodes = placed.part.nodes
    first = next((n for n in nodes if type(n.op).state is not Op.state), nodes[0])
    return Node(placed.prefix[:-1], first.op, first.inputs, first.type)


def _reached(placed: Placed) -> Iterable[str]:
    """The parts of the network within which a part stands whole."""
    around = key_of(placed.prefix[:-1])
    return (*prefixes(around), around) if around else ()


def _noted(wanted: Given | Callable[[], Given], name: str, asked: set[str]) -> Callable[[], Given]:
    """What gives the norm or the activation, and notes that it was asked."""

    def ask() -> Given:
        asked.add(name)
        return wanted() if callable(wanted) else wanted

    return ask


def _told(operand: object, known: dict[str, int]) -> object:
    """What may be told of an operand: values that are the same one have the same number."""
    if isinstance(operand, Value):
        number = known.setdefault(operand.path, len(known))
        return number, operand.type, operand.far, operand.pending
    if isinstance(operand, list | tuple):
        return tuple([_told(item, known) for item in operand])
    return operand


def _stand_in(operand: object, known: dict[str, Value]) -> object:
    """An operand by what may be told of it: values that are the same one are so still."""
    if isinstance(operand, Value):
        if operand.path not in known:
            known[operand.path] = replace(operand, path=f":{len(known)}")
        return known[operand.path]
    if isinstance(operand, list | tuple):
        return tuple([_stand_in(item, known) for item in operand])
    return operand
