"""The widest, the deepest and the balanced network under limits: exact, by a few dozen counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from typing import Any

from hrnet_graph.choices import COUNTS, Dimension
from hrnet_graph.errors import HRNetGraphError, SpecError
from hrnet_graph.search.figures import FIGURES, figures
from hrnet_graph.search.sizes import Size, Sizes
from hrnet_graph.spec.schema import Spec


@dataclass(frozen=True)
class Fitted:
    """A network that fits: what it is the most of, its size, its spec and its figures."""

    kind: str
    size: Size
    spec: Spec
    figures: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """The network as one row."""
        return {"network": self.kind, **self.size.as_dict(), **self.figures}


def fit(
    spec: Spec, limits: Mapping[str, int], vary: Mapping[Dimension, Sequence[int]]
) -> list[Fitted]:
    """The networks of a spec's kind that come to the limits, none over one.

    `limits` are the most of some `FIGURES`; `vary` says which widths, numbers of modules in all
    and numbers of blocks there are to choose from.

    widest: of the largest width that fits at all, as deep as it can be
    deepest: of the most layers that fit at all, as wide as it can be
    balanced: of the largest factor by which both grow from the spec, or shrink

    Exact where a larger network has larger figures. Raises `HRNetGraphError` if none fits.
    """
    sizes = Sizes.of(spec, vary)
    found = _Search(sizes, limits)
    kinds: tuple[str, ...] = ("widest", "deepest", "balanced")
    if vary.keys() == {"width"} or "width" not in vary:
        kinds = kinds[:1] if "width" in vary else kinds[1:2]
    result = []
    for kind in kinds:
        size: Size = getattr(found, kind)
        variant = sizes.spec(size)
        counts = figures(variant)
        shown = {name: counts[name] for name in FIGURES if name in COUNTS or name in limits}
        result.append(Fitted(kind, size, variant, shown))
    return result


class _Search:
    """The sizes of networks, and which of them fit."""

    def __init__(self, sizes: Sizes, limits: Mapping[str, int]) -> None:
        self.sizes, self._limits = sizes, limits
        self._known: dict[Size, Mapping[str, int] | None] = {}

    @cached_property
    def widest(self) -> Size:
        """Of the largest width, the deepest."""
        width = self._width(self.sizes.modules[0], self.sizes.blocks[0])
        if width is None:
            raise self._nothing()
        return self._deepest_at(width)

    @cached_property
    def deepest(self) -> Size:
        """Of the most layers, the widest."""
        start = next((w for w in self.sizes.widths if self._fits(self._shallow(w))), None)
        if start is None:
            raise self._nothing()
        deep = self._deepest_at(start)
        return deep._replace(width=self._width(deep.modules, deep.blocks) or start)

    @cached_property
    def balanced(self) -> Size:
        """Of the largest factor by which width and layers both grow."""
        choices, rows = [self.widest, self.deepest], self.sizes.modules
        for blocks in self.sizes.blocks:
            last = last_good(len(rows), partial(self._is_wide, blocks))
            for modules in rows[:1] if last is None else rows[last : last + 2]:
                width = self._width(modules, blocks)
                choices += [] if width is None else [Size(width, modules, blocks)]
        return max(choices, key=lambda size: (min(self._factors(size)), max(self._factors(size))))

    def _is_wide(self, blocks: int, i: int) -> bool:
        """Whether the widest network of a depth has grown in width as much as in layers."""
        modules = self.sizes.modules[i]
        width = self._width(modules, blocks)
        if width is None:
            return False
        wide, deep = self._factors(Size(width, modules, blocks))
        return wide >= deep

    def _factors(self, size: Size) -> tuple[Fraction, Fraction]:
        """By what width and layers have grown from the spec's own."""
        own = self.sizes.own
        wide = Fraction(size.width, own.width)
        return wide, Fraction(self._layers(size), self._own_layers)

    @cached_property
    def _own_layers(self) -> int:
        return figures(self.sizes.source)["layers"]

    def _nothing(self) -> HRNetGraphError:
        """That not even the smallest network fits, and what that comes to."""
        sizes = map(self._shallow, self.sizes.widths)
        found = next(filter(None, map(self._figures, sizes)), None)
        if found is None:
            return HRNetGraphError("none of these sizes makes a network")
        least = ", ".join(f"{found[name]:,} {name}" for name in self._limits)
        return HRNetGraphError(f"no network of these sizes fits: the smallest has {least}")

    def _deepest_at(self, width: int) -> Size:
        """Of a width, the one of the most layers that fits."""
        best = None
        for blocks in self.sizes.blocks:
            row = [Size(width, modules, blocks) for modules in self.sizes.modules]
            size = self._last(row)
            if size is None:
                break
            if best is None or self._layers(size) > self._layers(best):
                best = size
        assert best is not None
        return best

    def _shallow(self, width: int) -> Size:
        return Size(width, self.sizes.modules[0], self.sizes.blocks[0])

    def _width(self, modules: tuple[int, ...], blocks: int) -> int | None:
        """The largest width that fits at a depth, if one does."""
        size = self._last([Size(width, modules, blocks) for width in self.sizes.widths])
        return None if size is None else size.width

    def _last(self, row: Sequence[Size]) -> Size | None:
        """The largest that fits of sizes from small to large, if one does."""
        i = last_good(len(row), lambda i: self._fits(row[i]))
        return None if i is None else row[i]

    def _layers(self, size: Size) -> int:
        found = self._figures(size)
        assert found is not None
        return found["layers"]

    def _fits(self, size: Size) -> bool | None:
        """Whether no figure is over its limit; None for what makes no network."""
        found = self._figures(size)
        if found is None:
            return None
        return all(found[name] <= most for name, most in self._limits.items())

    def _figures(self, size: Size) -> Mapping[str, int] | None:
        if size not in self._known:
            try:
                self._known[size] = figures(self.sizes.spec(size))
            except SpecError:
                self._known[size] = None
        return self._known[size]


def last_good(count: int, good: Callable[[int], bool | None]) -> int | None:
    """The last number below `count` that is good, where all before one that is good are, too.

    What is neither (None) is passed over.
    """
    low, high = -1, count - 1
    while low < high:
        middle = (low + high + 1) // 2
        near = [*range(middle, low, -1), *range(middle + 1, high + 1)]
        at = next((i for i in near if good(i) is not None), None)
        if at is None:
            break
        low, high = (at, high) if good(at) else (low, at - 1)
    return low if low >= 0 else None
