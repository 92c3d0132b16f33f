"""Which maps of a network have one height and width, or a multiple of it, at every input size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import BilinearUpsample, NearestUpsample
from hrnet_graph.ir.sizes import open_types
from hrnet_graph.ir.types import TensorType


class Extents:
    """Maps by size: those that the ops between them bind to each other, whatever the image.

    An op that lends its operand's size has it; upsampling multiplies it; and maps that are added
    have one, so that where a map is added to another upsampled by 4, it is 4 times as large.
    """

    def __init__(self, graph: Graph) -> None:
        self._above: dict[str, tuple[str, Fraction]] = {}
        here = {node.path: node.type for node in graph.nodes}
        types = (here, open_types(graph) or here)
        for node in graph.nodes:
            for path, factor in _bound(node, types):
                self._bind(node.path, path, factor)

    def root(self, path: str) -> tuple[str, Fraction]:
        """The map that stands for all of its kind, and how many times as large this one is."""
        factor = Fraction(1)
        while path in self._above:
            path, times = self._above[path]
            factor *= times
        return path, factor

    def ratio(self, path: str, other: str) -> Fraction | None:
        """How many times as high and wide a map is as another, if that is known."""
        (root, factor), (other_root, other_factor) = self.root(path), self.root(other)
        return factor / other_factor if root == other_root else None

    def _bind(self, path: str, other: str, factor: int) -> None:
        """Notes that a map is `factor` times as large as another."""
        (root, times), (other_root, other_times) = self.root(path), self.root(other)
        if root != other_root:
            self._above[root] = (other_root, factor * other_times / times)


def _bound(node: Node, types: Iterable[Mapping[str, TensorType]]) -> Iterator[tuple[str, int]]:
    """The operands that have a node's size, divided by a factor; `types` are the graph's and the
    open ones.

    Of the operands beside the one that lends its size, some may be of a fixed one, as 1x1.
    """
    if isinstance(node.op, BilinearUpsample | NearestUpsample):
        yield node.inputs[0], node.op.factor
    lender = node.op.lender
    if lender is None:
        return
    for i, path in enumerate(node.inputs):
        same = all(at[path].size == at[node.path].size for at in types)
        if i == lender or (lender == 0 and same):
            yield path, 1
