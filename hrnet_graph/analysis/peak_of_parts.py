"""The peak memory of a network of which parts are known: what is alike is followed once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial, reduce
from itertools import chain, groupby
from operator import or_

from hrnet_graph.analysis.peak_memory import Inside, ModuleRun, peak_memory
from hrnet_graph.ir.graph import Graph, Initialisation, Node, key_of, sort
from hrnet_graph.ir.hierarchy import prefixes
from hrnet_graph.ir.ops import Input
from hrnet_graph.ir.parts import Part, Placed, is_in_order
from hrnet_graph.ir.scope_program import programs
from hrnet_graph.ir.types import TensorType

STANDS_IN = Input((1, 1, 1))
"""The op of a node that stands for a part."""


def peak_of_parts(graph: Graph, items: Sequence[Node | Placed]) -> int:
    """Numbers that are held at most during inference, as `peak_memory` finds them, of a network's
    nodes, those of a part that stands elsewhere as well as that part.
    """
    parts = _chained(_closed(items), graph.output_paths) if is_in_order(items) else None
    said = None if parts is None else _said(graph, parts)
    if parts is None or said is None:
        return peak_memory(graph).elements
    if said not in _PEAKS:
        if len(_PEAKS) == MOST:
            _PEAKS.clear()
        found = _outline(graph, parts)
        _PEAKS[said] = _peak(*found) if found else peak_memory(graph).elements
    return _PEAKS[said]


def _peak(outline: Graph, inside: Mapping[str, Inside]) -> int:
    return ModuleRun(outline, inside=inside, plans=programs(outline)).peak().elements


_PEAKS: dict[Hashable, int] = {}
"""The peaks of networks by all that they depend on; a stage of more modules holds no more."""

MOST = 2**6
"""How many of them are known at once."""


def _said(graph: Graph, items: Sequence[Node | Closed]) -> Hashable:
    """All that the peak of a network in parts depends on, what is in those by what they hold; None
    where that is unknown.
    """
    read, number = _read(graph, items), dict[str, int]()
    found, hidden = list[Hashable](), set[str]()
    for item in items:
        operands = tuple([number[path] for path in _read_by(item)])
        if isinstance(item, Node):
            number[item.path] = len(number)
            found.append((item.path, item.op, item.type, operands))
        else:
            number.update({path: len(number) + i for i, path in enumerate(item.results)})
            hidden |= item.scopes
            known = item.held(read)
            if known is None:
                return None
            found.append((item.prefix, item.form.ways, operands, known.held))
    scopes = [(x.path, x.kind, x.branch) for x in graph.scopes if x.path not in hidden]
    outputs = [(name, number[path]) for name, path in graph.outputs]
    return graph.returns, tuple(found), tuple(scopes), tuple(outputs)


@dataclass(frozen=True, eq=False)
class Ways:
    """Which operands each result of a scope depends on, by number, and what it is; which results
    are read inside.
    """

    results: tuple[tuple[tuple[int, ...], TensorType], ...]
    inner: tuple[int, ...]


_one = lru_cache(2**8)(Ways)
"""One for all that are equal."""


@dataclass(frozen=True, eq=False)
class Form:
    """What is known of a scope wherever it stands: the ways through it, and what it holds while it
    runs and hands out some of its results, unless that is unknown.
    """

    ways: Ways
    find: Callable[[tuple[int, ...]], Inside | None]
    found: dict[tuple[int, ...], Inside | None] = field(default_factory=dict)

    def held(self, used: tuple[int, ...]) -> Inside | None:
        """What it holds that hands out these of its results."""
        if used not in self.found:
            self.found[used] = self.find(used)
        return self.found[used]


@dataclass(frozen=True, eq=False)
class Closed:
    """A scope as it stands in a network of which it is enough to know what it hands out."""

    prefix: str
    operands: tuple[str, ...]
    results: tuple[str, ...]
    scopes: frozenset[str]
    form: Form

    def held(self, read: AbstractSet[str]) -> Inside | None:
        """What it holds where these paths are read."""
        return self.form.held(tuple([i for i, path in enumerate(self.results) if path in read]))

    def stand_ins(self) -> list[Node]:
        """A node for each result, in order, and one for all else that it reads."""
        made = [
            Node(f"{self.prefix}:{i}", STANDS_IN, tuple([self.operands[k] for k in reads]), kind)
            for i, (reads, kind) in enumerate(self.form.ways.results)
        ]
        inner = [made[i].path for i in self.form.ways.inner]
        rest = Node(f"{self.prefix}:", STANDS_IN, (*self.operands, *inner), STANDS_IN.infer(()))
        return [*made, rest]


def _read(graph: Graph, items: Sequence[Node | Closed]) -> set[str]:
    """The paths of what items read and of outputs."""
    return set(graph.output_paths).union(*map(_read_by, items))


def _outline(
    graph: Graph, items: Sequence[Node | Closed]
) -> tuple[Graph, dict[str, Inside]] | None:
    """The network with few nodes for each scope, and what those hold; None if unknown."""
    members = [[item] if isinstance(item, Node) else item.stand_ins() for item in items]
    stands_for: dict[str, str] = {}
    for item, nodes in zip(items, members, strict=True):
        if isinstance(item, Closed):
            stands_for.update(zip(item.results, (node.path for node in nodes), strict=False))
    made = tuple([replace_inputs(node, stands_for) for nodes in members for node in nodes])
    outputs = tuple([(name, stands_for.get(path, path)) for name, path in graph.outputs])
    hidden = frozenset().union(*(item.scopes for item in items if isinstance(item, Closed)))
    scopes = tuple([scope for scope in graph.scopes if scope.path not in hidden])
    outline = replace(graph, nodes=made, outputs=outputs, scopes=scopes)
    inside, read = {}, _read(graph, items)
    for item in items:
        if isinstance(item, Closed):
            known = item.held(read)
            if known is None:
                return None
            inside[key_of(item.prefix[:-1])] = known
    return outline, inside


def replace_inputs(node: Node, paths: Mapping[str, str]) -> Node:
    """A node that reads what stands for its operands."""
    if paths.keys().isdisjoint(node.inputs):
        return node
    return Node(node.path, node.op, tuple([paths.get(at, at) for at in node.inputs]), node.type)


def _closed(items: Iterable[Node | Placed]) -> list[Node | Closed]:
    """The same, where parts are left alone of which it is enough to know what they hand out."""
    pieces: list[Node | Placed] = []
    for item in items:
        pieces += [item] if isinstance(item, Node) or item.is_scope else item.pieces
    scopes = (prefixes(x.path) if isinstance(x, Node) else x.scopes_around for x in pieces)
    around = Counter(chain.from_iterable(scopes))
    found: list[Node | Closed] = []
    for item in pieces:
        closed = item.fact("closed", _closed_alone) if isinstance(item, Placed) else None
        if isinstance(item, Node):
            found.append(item)
        elif closed is None or around[item.prefix[:-1]] > 1:
            found += item.nodes.values()
        else:
            found.append(closed)
    return found


def _closed_alone(placed: Placed) -> Closed | None:
    """A part as it stands, unless it has to be opened."""
    form = placed.part.fact("form", _form)
    if form is None:
        return None
    return Closed(placed.prefix, placed.operands, placed.results, frozenset(placed.scopes), form)


def _form(part: Part) -> Form | None:
    """What is known of a part; None for one that may share memory with what is around it."""
    ways = _ways(part)
    return None if ways is None else Form(ways, partial(_held_by_part, part))


def _ways(part: Part) -> Ways | None:
    """The ways through it, unless it may share memory with what is around it."""
    number = {value.path: i for i, value in enumerate(part.operands)}
    nodes = {node.path: node for node in part.nodes}
    if any(_shares(node, nodes) for node in part.nodes):
        return None
    reach = {path: 1 << i for path, i in number.items()}
    for path in sort({path: [at for at in n.inputs if at in nodes] for path, n in nodes.items()}):
        reach[path] = reduce(or_, [reach[at] for at in nodes[path].inputs], 0)
    read = {at for node in part.nodes for at in node.inputs}
    if any(nodes[path].op.is_view for path in part.results):
        return None
    operands = range(len(number))
    return _one(
        tuple(
            (tuple(i for i in operands if reach[path] >> i & 1), nodes[path].type)
            for path in part.results
        ),
        tuple(i for i, path in enumerate(part.results) if path in read),
    )


def _shares(node: Node, nodes: dict[str, Node]) -> bool:
    """Whether a node may write over an operand of the part."""
    if not node.op.can_overwrite:
        return False
    at = node.inputs[0]
    while at in nodes and nodes[at].op.is_view:
        at = nodes[at].inputs[0]
    return at not in nodes


def _held_by_part(part: Part, used: tuple[int, ...]) -> Inside | None:
    """What a part holds while it runs that hands out some of its results."""
    return _run(replace(part.graph, outputs=tuple(part.graph.outputs[i] for i in used)), {})


def _run(graph: Graph, inside: Mapping[str, Inside]) -> Inside | None:
    """What `part` of a network holds while it runs; None where it is not one scope, or an operand
    is a result.
    """
    run = ModuleRun(graph, inside=inside, plans=programs(graph))
    plan = run.plans.get("part")
    if plan is None:
        return None
    operands = [run.held.add(0) for _ in range(plan.arity)]
    pieces = run.run(plan, operands)
    kept = [*dict.fromkeys(pieces)]
    if not set(kept).isdisjoint(operands):
        return None
    peak, sizes = run.held.peak, tuple(map(run.held.size, kept))
    return Inside(peak.elements, peak.node, tuple(map(kept.index, pieces)), sizes)


Link = tuple[str, Form, tuple[int, ...]]
"""A scope within a chain: its name, what is known of it, and the numbers of its operands; those of
the chain come first, then results as they come."""


def _chained(items: Sequence[Node | Closed], outputs: Sequence[str]) -> Sequence[Node | Closed]:
    """The same, where scopes that are all of one around them, as modules of a stage, are one."""
    around = Counter(chain.from_iterable(map(_scopes_around, items)))
    read = Counter(chain.from_iterable(map(set, map(_read_by, items))))
    read.update(outputs)
    found: list[Node | Closed] = []
    for scope, group in groupby(items, _scope_around):
        inside = [*group]
        links = [item for item in inside if isinstance(item, Closed)]
        name = scope.rpartition(".")[2]
        whole = name and not name.startswith("@") and around[scope] == len(links) == len(inside)
        found += [_chain(f"{scope}.", links, read)] if whole else inside
    return found


def _scope_around(item: Node | Closed) -> str:
    return (item.path if isinstance(item, Node) else item.prefix[:-1]).rpartition(".")[0]


def _scopes_around(item: Node | Closed) -> Iterable[str]:
    return prefixes(item.path if isinstance(item, Node) else item.prefix[:-1])


def _chain(prefix: str, links: Sequence[Closed], read: Mapping[str, int]) -> Closed:
    """Scopes behind a prefix as one; `read` says how many items and outputs read what."""
    paths = [path for link in links for path in link.results]
    made = set(paths)
    inside = Counter(chain.from_iterable(set(link.operands) for link in links))
    operands = tuple(dict.fromkeys(at for each in links for at in each.operands if at not in made))
    number = {path: i for i, path in enumerate((*operands, *paths))}
    results = [path for path in paths if read[path] > inside[path]]
    form = _form_of_chain(
        tuple(
            [
                (each.prefix[len(prefix) :], each.form, tuple([number[at] for at in each.operands]))
                for each in links
            ]
        ),
        len(operands),
        tuple([number[path] for path in results]),
    )
    scopes = frozenset().union(*({each.prefix[:-1], *each.scopes} for each in links))
    return Closed(prefix, operands, tuple(results), scopes, form)


def _read_by(item: Node | Closed) -> tuple[str, ...]:
    return item.inputs if isinstance(item, Node) else item.operands


@lru_cache(2**6)
def _form_of_chain(links: tuple[Link, ...], operands: int, results: tuple[int, ...]) -> Form:
    """What is known of a chain."""
    reach = [1 << i for i in range(operands)]
    kinds = [STANDS_IN.infer(())] * operands
    for _, form, reads in links:
        for inner, kind in form.ways.results:
            kinds.append(kind)
            reach.append(reduce(or_, [reach[reads[i]] for i in inner], 0))
    ways = [tuple(i for i in range(operands) if reach[at] >> i & 1) for at in results]
    read = {at for _, _, reads in links for at in reads}
    inner = tuple(i for i, at in enumerate(results) if at in read)
    find = partial(_held_by_chain, links, operands, results)
    return Form(_one(tuple(zip(ways, (kinds[at] for at in results), strict=True)), inner), find)


def _held_by_chain(
    links: Sequence[Link], operands: int, results: Sequence[int], used: tuple[int, ...]
) -> Inside | None:
    """What a chain holds while it runs that hands out some of its results."""
    image = Node(":", STANDS_IN, (), STANDS_IN.infer(()))
    paths = [f":{i}" for i in range(operands)]
    items: list[Node | Closed] = [image, *(replace(image, path=path) for path in paths)]
    for name, form, reads in links:
        handed = tuple(f"part.{name}:{i}" for i in range(len(form.ways.results)))
        read = tuple(paths[at] for at in reads)
        items.append(Closed(f"part.{name}", read, handed, frozenset(), form))
        paths += handed
    outputs = tuple((f"out{i}", paths[results[i]]) for i in used)
    start = Initialisation()
    whole = Graph("part", (image,), outputs, "list", (), start, start)
    found = _outline(whole, items)
    return found and _run(*found)
