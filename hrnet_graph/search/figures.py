"""What is counted of a variant: what is asked for alone, and what many share once for all."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from functools import cached_property
from typing import Any, cast

from hrnet_graph.analysis.cost import total_of_parts
from hrnet_graph.analysis.largest_field import largest_field
from hrnet_graph.analysis.memory import BYTES
from hrnet_graph.analysis.peak_of_parts import peak_of_parts
from hrnet_graph.choices import COUNTS
from hrnet_graph.compiler.build import build_variant, try_variant
from hrnet_graph.ir.copies import Known
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.parts import Placed
from hrnet_graph.spec.schema import Spec

FIGURES = (*COUNTS, "memory", "field")
"""What tables show of a variant, conditions read and searches minimise: the counts, and two more.

memory: bytes that the results of operations hold at most during inference in float32
field: pixels of the largest receptive field, pooling over the whole image apart
"""

_KNOWN = Known(at_once=True)
"""What the variants counted in this process were made of: of few, since what is near is alike."""


class Figures(Mapping[str, int]):
    """Every one of `FIGURES` of a network for one image, counted when it is asked for.

    `items` are its nodes, in registration order, those of a part that stands elsewhere as well as
    that part.
    """

    def __init__(self, graph: Graph, items: Sequence[Node | Placed]) -> None:
        self.graph, self._items = graph, items

    def __getitem__(self, name: str) -> int:
        if name in COUNTS:
            return self._counts[name]
        if name not in FIGURES:
            raise KeyError(name)
        return self._memory if name == "memory" else self._field

    def __iter__(self) -> Iterator[str]:
        return iter(FIGURES)

    def __len__(self) -> int:
        return len(FIGURES)

    @cached_property
    def _counts(self) -> Mapping[str, int]:
        return total_of_parts(self.graph, self._items).as_dict()

    @cached_property
    def _memory(self) -> int:
        return BYTES["float32"] * peak_of_parts(self.graph, self._items)

    @cached_property
    def _field(self) -> int:
        return largest_field(self.graph, self._items)


def figures(spec: Spec) -> Figures:
    """Those of a variant, which is made of what others were. Raises `SpecError` if it is none."""
    return Figures(*build_variant(spec, _KNOWN))


def try_figures(spec: Spec) -> Figures | str:
    """Those of a variant, or in a few words why it is none, which is told at once."""
    found = try_variant(spec, _KNOWN)
    return found if isinstance(found, str) else Figures(*found)


def beside(values: Mapping[str, Any], found: Mapping[str, int]) -> Mapping[str, Any]:
    """What a condition reads: the figures, where it asks for them, and what was varied."""
    return ChainMap(*(cast("MutableMapping[str, Any]", each) for each in (found, values)))
