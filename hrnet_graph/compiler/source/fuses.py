"""Fuse units as the family writes them: read off a network's graph, and proved with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hrnet_graph.compiler.source.backbone import Module
from hrnet_graph.compiler.source.layout import IrregularError, Layout
from hrnet_graph.compiler.source.specialise import specialise
from hrnet_graph.ir import ops
from hrnet_graph.ir.ops import Op

ALL = "[*range(len(channels))]"
SOME = "[i for i in range(len(channels)) if -1 <= i - branch <= 1]"
FEEDS: Mapping[str, Callable[[int], bool]] = {
    ALL: lambda steps: True,
    SOME: lambda steps: abs(steps) <= 1,
    "[i for i in range(len(channels)) if i <= branch]": lambda steps: steps <= 0,
    "[i for i in range(len(channels)) if i >= branch]": lambda steps: steps >= 0,
}
"""How the family says which branches feed one -> whether one that is so many steps coarser does."""

WAYS: Mapping[type[Op], str] = {
    ops.ConvTranspose2d: "up_transposed",
    ops.PixelShuffle: "up_pixel_shuffle",
    ops.BilinearUpsample: "up_nearest",
    ops.NearestUpsample: "up_nearest",
    ops.AveragePool: "down_average_pool",
}
"""What enlarges or reduces a branch -> the family's function."""

JOINS: Mapping[type[Op], str] = {
    ops.WeightedSum: "WeightedFuse",
    ops.Multiply: "GatedFuse",
    ops.Concat: "ConcatFuse",
}
"""What joins terms, where that is no sum -> the family's class."""

TERM = "terms[at]"
RESIZE = f"resize({TERM}, maps[self.branch])"
RESIZING = (
    "        for at, source in enumerate(self.sources):\n"
    "            if source > self.branch:\n"
    f"                {TERM} = {RESIZE}\n"
)
COARSER = "        if source > self.branch:\n    "
UP = "        return nn.Sequential(*up_nearest(inputs, width, source - self.branch))\n"
DOWN = "        return nn.Sequential(*down_strided(inputs, width, self.branch - source))\n"
"""Statements of the family's fuse unit."""

FOR_ALL = {
    " or source not in self.sources": "",
    " if len(terms) > 1 else terms[0]": "",
    "        if len(self.sources) > 1:\n    ": "",
}
"""What need not be asked where every branch feeds every other."""


@dataclass(frozen=True)
class FuseUnits:
    """What the fuse units of a network have in common.

    sources: how the family says which branches feed one
    up, down: its functions for coarser and for finer branches; empty where none feeds
    join: its class for what is no plain sum
    facts: what else is known
    resized: how coarser branches come to a size, if they do
    """

    sources: str
    up: str
    down: str
    join: str
    facts: Mapping[str, str]
    resized: ops.BilinearResize | None

    @property
    def is_published(self) -> bool:
        """Whether HRNet's own papers have them."""
        up = "up_bilinear" if self.resized else "up_nearest"
        return (self.sources, self.up, self.down, self.join) == (ALL, up, "down_strided", "")

    def write(self, resize: str, known: Mapping[str, str]) -> list[str]:
        """The texts of functions and classes; `resize` is the call that resizes a `TERM`.

        What is `known` is put in wherever it stands.
        """
        up, down = UP.replace("up_nearest", self.up), DOWN.replace("down_strided", self.down)
        way = (COARSER + up + down) if self.up and self.down else up if self.up else down
        resizing = RESIZING.replace(RESIZE, resize) if self.resized else ""
        own = {SOME: self.sources, COARSER + UP + DOWN: way, RESIZING: resizing}
        common = {**known, **self.facts, "FuseUnit": "Fuse"}
        common |= FOR_ALL if self.sources == ALL else {}
        names = [name for name in (self.up, self.down, "FuseUnit", self.join) if name]
        return [specialise(name, own if name == "FuseUnit" else {}, common) for name in names]


def read_fuse_units(layout: Layout, modules: Sequence[Module]) -> FuseUnits:
    """What the fuse units of these modules are, which may be more than one can say.

    Raises `IrregularError` if the family says in no way which branches feed which.
    """
    found = [each for module in modules for each in _terms(layout, module)]
    of = {type(op): op for _, _, op in found}
    up = {type(op) for i, j, op in found if j is not None and j > i}
    down = [op for i, j, op in found if j is not None and j < i]
    depthwise = any(isinstance(op, ops.Conv2d) and op.groups > 1 for op in down)
    usual = "down_depthwise" if depthwise else "down_strided"
    reduce = next((WAYS[type(op)] for op in down if type(op) in WAYS), usual)
    resized, weighted = of.get(ops.BilinearResize), of.get(ops.WeightedSum)
    facts = {'mode="nearest"': 'mode="bilinear"'} if ops.BilinearUpsample in of else {}
    if isinstance(weighted, ops.WeightedSum) and weighted.softmax:
        facts["WeightedSum(len(self.sources))"] = "WeightedSum(len(self.sources), softmax=True)"
    return FuseUnits(
        sources=_sources(modules, {(i, j) for i, j, _ in found if j is not None}),
        up=next((WAYS[kind] for kind in WAYS if kind in up), "up_bilinear") if up else "",
        down=reduce if down else "",
        join=next((name for kind, name in JOINS.items() if kind in of), ""),
        facts=facts,
        resized=resized if isinstance(resized, ops.BilinearResize) else None,
    )


def _terms(layout: Layout, module: Module) -> Iterator[tuple[int, int | None, Op]]:
    """For each operation of a module's fuse units its output and, on a way, the way's branch."""
    for row in layout.children.get(f"{module.key}.fuse_layers", ()):
        for node in layout.members[row]:
            branch = node.key[len(row) + 1 :].partition(".")[0]
            yield int(row.rpartition(".")[2]), int(branch) if branch.isdigit() else None, node.op


def _sources(modules: Sequence[Module], fed: set[tuple[int, int]]) -> str:
    """Which branches feed one, as the family says it for every pair in these modules."""
    pairs = {
        (i, j)
        for module in modules
        for i in range(len(module.maps))
        for j in range(len(module.widths))
        if i != j
    }
    for code, feeds in FEEDS.items():
        if {(i, j) for i, j in pairs if feeds(j - i)} == fed:
            return code
    raise IrregularError("its branches feed each other in no way that the family knows")
