"""The sizes that a network can have: width, modules of every stage, and blocks of every branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from hrnet_graph.choices import Dimension
from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.schema import Spec

USUAL: Mapping[Dimension, range] = {
    "width": range(1, 1025),
    "modules": range(1, 65),
    "blocks": range(1, 17),
}
"""What there is to choose from where nobody says: modules in all, blocks of each branch."""


class Size(NamedTuple):
    """A width, the modules of each stage that has several branches, and the blocks of a branch.

    blocks: 0 where each stage has its own
    """

    width: int
    modules: tuple[int, ...]
    blocks: int

    def as_dict(self) -> dict[str, Any]:
        """The size as part of a row."""
        return {"width": self.width, "modules": self.modules, "blocks": self.blocks or None}


@dataclass(frozen=True)
class Sizes:
    """Every size to choose from, each row from small to large, and the size of the spec itself."""

    source: Spec
    stages: tuple[int, ...]
    own: Size
    widths: Sequence[int]
    modules: Sequence[tuple[int, ...]]
    blocks: Sequence[int]

    @classmethod
    def of(cls, spec: Spec, vary: Mapping[Dimension, Sequence[int]]) -> Sizes:
        """Those that vary so; what does not is the spec's own.

        Raises `HRNetGraphError` for a spec or values without such sizes.
        """
        if spec.width is None:
            raise HRNetGraphError(f"{spec.name} states no width that could vary")
        stages = tuple(i for i, stage in enumerate(spec.stages) if stage.branch_count > 1)
        own = Size(spec.width, tuple(spec.stages[i].modules for i in stages), 0)
        if not stages:
            raise HRNetGraphError(f"{spec.name} has no stage of several branches that could grow")
        rows = {name: _row(name, values) for name, values in vary.items()}
        totals = [n for n in rows.get("modules", ()) if n >= len(stages)]
        if "modules" in rows and not totals:
            few = f"expected at least {len(stages)} modules in all, one a stage"
            raise HRNetGraphError(f"{few}, got {max(rows['modules'])}")
        return cls(
            source=spec,
            stages=stages,
            own=own,
            widths=rows.get("width", (own.width,)),
            modules=tuple(share(n, own.modules) for n in totals) or (own.modules,),
            blocks=rows.get("blocks", (0,)),
        )

    def spec(self, size: Size) -> Spec:
        """The spec of a size."""
        values: dict[str, Any] = {"width": size.width}
        for stage, modules in zip(self.stages, size.modules, strict=True):
            values[f"stages.{stage}.modules"] = modules
            if size.blocks:
                branches = self.source.stages[stage].branch_count
                values[f"stages.{stage}.blocks"] = [size.blocks] * branches
        return load_spec(self.source, values)


def _row(name: Dimension, values: Sequence[int]) -> tuple[int, ...]:
    """Values from small to large. Raises `HRNetGraphError` for what counts nothing."""
    for value in values:
        if type(value) is not int or value < 1:
            raise HRNetGraphError(f"{name}: expected numbers from 1 on, got {quoted(value)}")
    return tuple(sorted(set(values)))


def share(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """So many modules shared out, one to each stage and the rest in proportion to weights.

    One more in all is one more in one stage, and as many as the weights are the weights.

    Source: D'Hondt's method.
    """
    found = [1] * len(weights)
    for _ in range(total - len(weights)):
        best = max(range(len(weights)), key=lambda i: Fraction(weights[i], found[i] + 1))
        found[best] += 1
    return tuple(found)
