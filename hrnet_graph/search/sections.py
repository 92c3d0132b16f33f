"""A network as sections that are measured alone: each a small network of one image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from hrnet_graph.ir.graph import Graph, Node, Scope, sort
from hrnet_graph.ir.hierarchy import prefixes
from hrnet_graph.ir.ops import AdaptiveAveragePool, Conv2d, GlobalAveragePool, Input, Op
from hrnet_graph.ir.types import TensorType


@dataclass(frozen=True)
class Section:
    """What stands in one module, or else in one stem, transition, stage, neck or head.

    nodes: in order of execution
    given: what they read from elsewhere, and `results`: what is read of them elsewhere
    """

    source: Graph
    nodes: Sequence[Node]
    given: Sequence[Node]
    results: Sequence[Node]

    @cached_property
    def digest(self) -> str:
        """The same for what computes the same of operands of the same sizes, wherever it stands."""
        place = {node.path: i for i, node in enumerate((*self.given, *self.nodes))}
        rows = [(node.op, [place[path] for path in node.inputs], node.type) for node in self.nodes]
        ends = [place[node.path] for node in self.results]
        read = [(node.type, isinstance(node.op, Input)) for node in self.given]
        said = repr((self.source.input.type, read, rows, ends))
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    @property
    def network(self) -> Graph:
        """The section between a convolution 1x1 a map that it reads, and the mean of its results.

        So an engine has maps in its own layout on both sides, as within a network.
        """
        return self._between(self.nodes, self.results)

    @property
    def around(self) -> Graph | None:
        """What `network` has without the section; None for what reads the image itself."""
        maps = [node for node in self.given if not isinstance(node.op, Input)]
        return self._between((), maps) if maps else None

    def _between(self, nodes: Sequence[Node], results: Iterable[Node]) -> Graph:
        image = self.source.input
        made, names = [image], {image.path: image.path}
        for i, node in enumerate(self.given):
            if node is not image:
                made += _maker(image, node, f"given.{i}")
                names[node.path] = made[-1].path
        names |= {node.path: node.path for node in nodes}
        made += [Node(n.path, n.op, tuple(names[path] for path in n.inputs), n.type) for n in nodes]
        ends = [
            Node(
                f"end.{i}",
                GlobalAveragePool(),
                (names[n.path],),
                TensorType((n.type.channels, 1, 1)),
            )
            if len(n.type.shape) == 3
            else Node(names[n.path], n.op, n.inputs, n.type)
            for i, n in enumerate(results)
        ]
        made += [node for node in ends if node.path.startswith("end.")]
        outputs = tuple((f"out{i}", node.path) for i, node in enumerate(ends))
        start = self.source.init
        return Graph("section", tuple(made), outputs, "list", (), start, start)


def _maker(image: Node, wanted: Node, path: str) -> list[Node]:
    """A convolution of the image that gives a map of a type, and what brings that to its size."""
    (height, width), (h, w) = image.type.size, wanted.type.size
    stride = next(
        (s for s in range(1, height + 1) if (-(-height // s), -(-width // s)) == (h, w)), 0
    )
    read, made = image, list[Node]()
    if not stride:
        size = TensorType((image.type.channels, h, w))
        read = Node(f"{path}.pool", AdaptiveAveragePool((h, w)), (image.path,), size)
        made.append(read)
    conv: Op = Conv2d(wanted.type.channels, stride=stride or 1)
    return [*made, Node(f"{path}.conv", conv, (read.path,), wanted.type)]


def sections_of(graph: Graph) -> list[Section]:
    """The sections of a network, in order of execution."""
    order = sort({node.path: node.inputs for node in graph.nodes})
    groups: dict[str, list[Node]] = {}
    for path in order:
        if path != graph.input.path:
            groups.setdefault(_place(path, graph.scope_at), []).append(graph[path])
    readers: dict[str, set[str]] = {path: {""} for path in graph.output_paths}
    for place, nodes in groups.items():
        for node in nodes:
            for path in node.inputs:
                readers.setdefault(path, set()).add(place)
    found = []
    for place, nodes in groups.items():
        own = {node.path for node in nodes}
        given = dict.fromkeys(path for node in nodes for path in node.inputs if path not in own)
        results = [node for node in nodes if readers.get(node.path, set()) - {place}]
        found.append(Section(graph, nodes, [graph[path] for path in given], results))
    return found


def _place(path: str, scopes: Mapping[str, Scope]) -> str:
    """The module around an operation, else the outermost part; nothing around it is one, too."""
    around = [prefix for prefix in prefixes(path) if prefix in scopes]
    module = (prefix for prefix in around if scopes[prefix].kind == "module")
    return next(module, around[0] if around else "")
