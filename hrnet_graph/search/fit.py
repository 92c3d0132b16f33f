"""The widest, the deepest and the balanced network under limits: exact, by a few dozen counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property, partial
from itertools import product
from typing import TYPE_CHECKING, Any

from hrnet_graph.choices import COUNTS, Dimension
from hrnet_graph.compiler.build import build_graph
from hrnet_graph.errors import HRNetGraphError, SpecError
from hrnet_graph.search.figures import FIGURES, Figures, figures, try_figures
from hrnet_graph.search.sizes import Size, Sizes
from hrnet_graph.spec.schema import Spec

if TYPE_CHECKING:
    from hrnet_graph.search.latency import Latency

Depth = tuple[tuple[int, ...], int]
"""Modules of every stage, and blocks, of whatever width."""

Tell = Callable[[str], object]
"""Takes what is being tried, in a few words."""


@dataclass(frozen=True)
class Fitted:
    """A network that fits: what it is the most of, its size, its spec and its figures.

    `latency` is what was predicted, in seconds, where that was limited.
    """

    kind: str
    size: Size
    spec: Spec
    figures: Mapping[str, int]
    latency: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The network as one row."""
        predicted = {} if self.latency is None else {"predicted": self.latency}
        return {"network": self.kind, **self.size.as_dict(), **self.figures, **predicted}


def fit(
    spec: Spec,
    limits: Mapping[str, int],
    vary: Mapping[Dimension, Sequence[int]],
    *,
    latency: Latency | None = None,
    tell: Tell = str,
) -> list[Fitted]:
    """The networks of a spec's kind that come to the limits, none over one.

    `limits` are the most of some `FIGURES`, `latency` says how long one may take, and predicts how
    long it does; `vary` says which widths, numbers of modules in all and numbers of blocks there
    are to choose from. `tell` hears of every size that is tried.

    widest: of the largest width that fits at all, as deep as it can be
    deepest: of the most layers that fit at all, as wide as it can be
    balanced: of the largest factor by which both grow from the spec, or shrink

    Exact where a larger network has larger figures, and takes longer. Raises `HRNetGraphError` if
    none fits.
    """
    sizes = Sizes.of(spec, vary)
    found = _Search(sizes, limits, latency, tell)
    kinds: tuple[str, ...] = ("widest", "deepest", "balanced")
    if vary.keys() == {"width"} or "width" not in vary:
        kinds = kinds[:1] if "width" in vary else kinds[1:2]
    result = []
    for kind in kinds:
        size: Size = getattr(found, kind)
        variant = sizes.spec(size)
        counts = figures(variant)
        shown = {name: counts[name] for name in FIGURES if name in COUNTS or name in limits}
        predicted = None if latency is None else latency.predict(build_graph(variant))
        result.append(Fitted(kind, size, variant, shown, predicted))
    return result


class _Search:
    """The sizes of networks, and which of them fit."""

    def __init__(
        self,
        sizes: Sizes,
        limits: Mapping[str, int],
        latency: Latency | None,
        tell: Tell,
    ) -> None:
        self.sizes, self._limits = sizes, limits
        self._latency, self._tell = latency, tell
        self._counts = cache(self._count)
        self._fits = cache(self._is_fitting)
        self._makes_none = cache(self._has_no_width)

    @cached_property
    def widest(self) -> Size:
        """Of the largest width, the deepest."""
        width = self._width(self._shallow)
        if width is None:
            raise self._nothing()
        return self._deepest_at(width)

    @cached_property
    def deepest(self) -> Size:
        """Of the most layers, the widest."""
        least = (Size(width, *self._shallow) for width in self.sizes.widths)
        start = next(filter(self._fits, least), None)
        if start is None:
            raise self._nothing()
        deep = self._deepest_at(start.width)
        return deep._replace(width=self._width(deep[1:]) or start.width)

    @cached_property
    def balanced(self) -> Size:
        """Of the largest factor by which width and layers both grow."""
        choices, rows = [self.widest, self.deepest], self.sizes.modules
        for blocks in self.sizes.blocks:
            last = last_good(len(rows), partial(self._is_wide, blocks))
            after = range(0 if last is None else last + 1, len(rows))
            next_one = next((i for i in after if not self._makes_none((rows[i], blocks))), None)
            for i in (last, next_one):
                width = None if i is None else self._width((rows[i], blocks))
                choices += [] if i is None or width is None else [Size(width, rows[i], blocks)]
        return max(choices, key=lambda size: (min(self._factors(size)), max(self._factors(size))))

    def _is_wide(self, blocks: int, i: int) -> bool | None:
        """Whether the widest network of a depth has grown in width as much as in layers."""
        modules = self.sizes.modules[i]
        if self._makes_none((modules, blocks)):
            return None
        width = self._width((modules, blocks))
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

    @cached_property
    def _shallow(self) -> Depth:
        """The least depth that makes networks. Raises `HRNetGraphError` if none does."""
        for blocks, modules in product(self.sizes.blocks, self.sizes.modules):
            if not self._makes_none((modules, blocks)):
                return modules, blocks
        raise HRNetGraphError("none of these sizes makes a network")

    def _nothing(self) -> HRNetGraphError:
        """That not even the smallest network fits, and what that comes to."""
        sizes = (Size(width, *self._shallow) for width in self.sizes.widths)
        size = next((size for size in sizes if not isinstance(self._counts(size), str)), None)
        if size is None:
            return HRNetGraphError("none of these sizes makes a network")
        found = self._figures(size)
        least = [f"{found[name]:,} {name}" for name in self._limits]
        if self._latency is not None:
            least.append(f"{1e3 * self._latency.predict(found.graph):.3g} ms of latency")
        what = f"no network of these sizes fits: the smallest has {', '.join(least)}"
        return HRNetGraphError(what, "allow at least that much, or smaller sizes")

    def _deepest_at(self, width: int) -> Size:
        """Of a width, the one of the most layers that fits."""
        found = []
        for blocks in self.sizes.blocks:
            depths = [(modules, blocks) for modules in self.sizes.modules]
            row = [Size(width, *depth) for depth in depths if not self._makes_none(depth)]
            size = self._last(row)
            if row and size is None:
                break
            found += [] if size is None else [size]
        return max(found, key=self._layers)

    def _width(self, depth: Depth) -> int | None:
        """The largest width that fits at a depth, if one does."""
        if self._makes_none(depth):
            return None
        size = self._last([Size(width, *depth) for width in self.sizes.widths])
        return None if size is None else size.width

    def _last(self, row: Sequence[Size]) -> Size | None:
        """The largest that fits of sizes from small to large, if one does."""
        i = last_good(len(row), lambda i: self._fits(row[i]))
        return None if i is None else row[i]

    def _layers(self, size: Size) -> int:
        found = self._counts(size)
        assert not isinstance(found, str)
        return found["layers"]

    def _is_fitting(self, size: Size) -> bool | None:
        """Whether no figure is over its limit; None for what makes no network.

        Counts are looked at first: the others take longer.
        """
        counts = self._counts(size)
        if isinstance(counts, str):
            return None
        if any(counts[name] > most for name, most in self._limits.items() if name in COUNTS):
            return False
        rest = {name: most for name, most in self._limits.items() if name not in COUNTS}
        if not rest and self._latency is None:
            return True
        found = self._figures(size)
        if any(found[name] > most for name, most in rest.items()):
            return False
        return self._latency is None or self._latency.fits(found.graph)

    def _has_no_width(self, depth: Depth) -> bool:
        """Whether a depth makes no network of any width.

        Taken for so where several widths fail in the same words: what depends on the width says it.
        """
        widths = self.sizes.widths
        some = dict.fromkeys((self.sizes.own.width, widths[0], widths[-1]))
        words = set[str]()
        for width in some:
            found = self._counts(Size(width, *depth))
            if not isinstance(found, str):
                return False
            words.add(found)
        return len(words) == 1

    def _count(self, size: Size) -> Mapping[str, int] | str:
        """The counts of a network, or in what words it is none."""
        blocks = f", blocks {size.blocks}" if size.blocks else ""
        modules = ", ".join(map(str, size.modules))
        self._tell(f"width {size.width}, modules {modules}{blocks}")
        try:
            found = try_figures(self.sizes.spec(size))
        except SpecError as error:
            return str(error)
        return found if isinstance(found, str) else {name: found[name] for name in COUNTS}

    def _figures(self, size: Size) -> Figures:
        """All figures of what makes a network."""
        return figures(self.sizes.spec(size))


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
