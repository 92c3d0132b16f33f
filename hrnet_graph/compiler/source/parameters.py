"""The numbers in which instances of a class differ, as few arguments with names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hrnet_graph.compiler.source.expressions import Number

IN = frozenset({"in_channels", "in_features"})
OUT = frozenset({"out_channels", "out_features", "channels"})
CHANNELS = IN | OUT | {"num_features", "num_channels"}
"""What a layer's arguments of these names have in common: they are widths."""

Vector = tuple[int | float, ...]
"""One number, over all instances of a class."""


@dataclass(frozen=True)
class Parameters:
    """The arguments of a class, and every number of it in terms of them.

    `common` are the numbers that all instances have; `extra` those of a part that is there under
    `condition` alone.
    """

    vectors: Mapping[str, Vector] = field(default_factory=dict)
    common: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    condition: str = ""

    def arguments(self, instance: int) -> Iterator[Number]:
        """What an instance is called with."""
        return (Number(vector[instance], name) for name, vector in self.vectors.items())

    def express(self, vector: Vector) -> str:
        """A number in terms of the arguments, of results before operands; empty if it is none."""
        for name, known in self.vectors.items():
            if vector == known:
                return name
        for name, known in sorted(self.vectors.items(), key=lambda pair: pair[0] in IN):
            if factor := _factor(vector, known):
                return f"{factor} * {name}"
        return constant(vector)


def constant(vector: Vector) -> str:
    """The number that all instances share; empty if they differ."""
    return str(vector[0]) if len(set(vector)) == 1 else ""


def _factor(vector: Vector, known: Vector) -> int:
    """The whole number from 2 up that times `known` is `vector`; 0 if there is none."""
    if not all(isinstance(n, int) for n in (*vector, *known)):
        return 0
    factor = int(vector[0] // known[0])
    fits = factor > 1 and all(v == factor * k for v, k in zip(vector, known, strict=True))
    return factor if fits else 0


def parametrize(
    common: Sequence[Sequence[Number]], extra: Sequence[Sequence[Number] | None], forced: bool
) -> Parameters | None:
    """The arguments from which all numbers of all instances follow.

    `common` are each instance's numbers, `extra` those of the part that not all have. Widths of a
    class that is `forced` are arguments even where all instances agree. None if the part that some
    lack cannot be told from the numbers that all have.
    """
    columns = _columns(common)
    free: dict[Vector, list[str]] = {}
    for role, vector in columns:
        if not constant(vector) or (forced and role in CHANNELS):
            free.setdefault(vector, []).append(role)
    chosen: dict[str, Vector] = {}
    for vector, roles in free.items():
        if not any(_factor(vector, other) for other in chosen.values()):
            chosen[_name(roles, chosen)] = vector
    plain = Parameters(chosen)
    codes = tuple(plain.express(v) if v in free else constant(v) for _, v in columns)
    plain = replace(plain, common=codes)
    having = [i for i, row in enumerate(extra) if row is not None]
    if not having:
        return plain
    return _with_extra(plain, dict(zip(codes, (v for _, v in columns), strict=True)), extra, having)


def _columns(rows: Sequence[Sequence[Number]]) -> list[tuple[str, Vector]]:
    """Each number's role, and its value in every row."""
    columns = zip(*rows, strict=True)
    return [(column[0].role, tuple(number.value for number in column)) for column in columns]


def _name(roles: Collection[str], names: Collection[str]) -> str:
    if OUT & set(roles):
        wishes = ["channels", "out_channels"]
    else:
        wishes = ["in_channels" if IN & set(roles) else next(iter(roles))]
    wishes += [f"{wishes[-1]}{n}" for n in range(2, len(names) + 3)]
    return next(name for name in wishes if name not in names)


def _with_extra(
    plain: Parameters,
    known: Mapping[str, Vector],
    extra: Sequence[Sequence[Number] | None],
    having: Sequence[int],
) -> Parameters | None:
    """The arguments where a part is there only if the width changes."""
    columns = _columns([row for row in extra if row is not None])
    narrowed = Parameters({n: tuple(v[i] for i in having) for n, v in plain.vectors.items()})
    codes = tuple(
        narrowed.express(vector) if role in CHANNELS else constant(vector)
        for role, vector in columns
    )
    ends = [code for code, (role, _) in zip(codes, columns, strict=True) if role in CHANNELS]
    if not all(codes) or not ends or not {ends[0], ends[-1]} <= known.keys():
        return None
    pairs = enumerate(zip(known[ends[0]], known[ends[-1]], strict=True))
    if [i for i, (first, last) in pairs if first != last] != list(having):
        return None
    return replace(plain, extra=codes, condition=f"{ends[0]} != {ends[-1]}")
