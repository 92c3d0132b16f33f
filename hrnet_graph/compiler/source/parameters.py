"""The numbers in which instances of a class differ, as few arguments with names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hrnet_graph.compiler.source.expressions import Number

IN = frozenset({"in_channels", "in_features"})
OUT = frozenset({"out_channels", "out_features", "channels"})
CHANNELS = IN | OUT | {"num_features", "num_channels"}
"""What a layer's arguments of these names have in common: they are widths."""

Vector = tuple[int, ...]
"""One number, over all instances of a class."""


@dataclass(frozen=True)
class Instance:
    """The numbers of one instance: those that all have, and those of a part that not all have."""

    common: tuple[Number, ...]
    extra: tuple[Number, ...] | None


@dataclass(frozen=True)
class Parameters:
    """The arguments of a class, and every number of it in terms of them."""

    names: tuple[str, ...]
    vectors: tuple[Vector, ...]
    common: tuple[str, ...]
    extra: tuple[str, ...]
    condition: str

    def arguments(self, instance: int) -> Iterator[Number]:
        """What an instance is called with."""
        for name, vector in zip(self.names, self.vectors, strict=True):
            yield Number(vector[instance], name)

    def expressed(self, vector: Vector) -> str:
        """A number in terms of the arguments; empty if it is none."""
        if self.names and vector in self.vectors:
            return self.names[self.vectors.index(vector)]
        if len(set(vector)) == 1 and not self.names:
            return str(vector[0])
        for name, known in _out_first(self.names, self.vectors):
            factor = _factor(vector, known)
            if factor:
                return f"{factor} * {name}"
        return str(vector[0]) if len(set(vector)) == 1 else ""


def _out_first(names: Sequence[str], vectors: Sequence[Vector]) -> list[tuple[str, Vector]]:
    """Arguments with their vectors, widths of results before widths of operands."""
    pairs = zip(names, vectors, strict=True)
    return sorted(pairs, key=lambda pair: pair[0] in IN)


def _factor(vector: Vector, known: Vector) -> int | None:
    """The whole number from 2 up that times `known` is `vector`, if there is one."""
    factor = vector[0] // known[0]
    fits = factor > 1 and all(v == factor * k for v, k in zip(vector, known, strict=True))
    return factor if fits else None


def parametrize(instances: Sequence[Instance], forced: object) -> Parameters | None:
    """The arguments from which all numbers of all instances follow.

    Widths of a class that is `forced` are arguments even where all instances agree. None if the
    part that some instances lack cannot be told from the numbers that all have.
    """
    columns = list(zip(*(instance.common for instance in instances), strict=True))
    vectors = [tuple(number.value for number in column) for column in columns]
    roles = [column[0].role for column in columns]
    free: dict[Vector, list[str]] = {}
    for vector, role in zip(vectors, roles, strict=True):
        if len(set(vector)) > 1 or (forced and role in CHANNELS):
            free.setdefault(vector, []).append(role)
    names: list[str] = []
    chosen: list[Vector] = []
    for vector, met in free.items():
        known = [v for v in chosen if not IN & set(free[v])] or chosen
        if any(_factor(vector, other) for other in known):
            continue
        names.append(_name(met, names))
        chosen.append(vector)
    plain = Parameters(tuple(names), tuple(chosen), (), (), "")
    common = tuple(
        plain.expressed(vector) if vector in free else str(vector[0]) for vector in vectors
    )
    if not all(common):
        return None
    with_extra = [i for i, instance in enumerate(instances) if instance.extra is not None]
    if len(with_extra) in (0, len(instances)) and not any(i.extra for i in instances):
        return Parameters(plain.names, plain.vectors, common, (), "")
    return _with_extra(plain, common, instances, with_extra)


def _name(roles: Sequence[str], names: Sequence[str]) -> str:
    if OUT & set(roles):
        wishes = ["channels", "out_channels"]
    elif IN & set(roles):
        wishes = ["in_channels"]
    else:
        wishes = [roles[0]]
    free = (name for name in wishes if name not in names)
    return next(free, "") or next(
        name for n in range(2, 1 << 20) if (name := f"{wishes[-1]}{n}") not in names
    )


def _with_extra(
    plain: Parameters,
    common: tuple[str, ...],
    instances: Sequence[Instance],
    having: Sequence[int],
) -> Parameters | None:
    """The arguments where a part is there only if the width changes."""
    rows = [instances[i].extra or () for i in having]
    columns = list(zip(*rows, strict=True))
    narrowed = Parameters(
        plain.names, tuple(tuple(v[i] for i in having) for v in plain.vectors), (), (), ""
    )
    everywhere = dict(zip(common, zip(*(i.common for i in instances), strict=True), strict=False))
    extra = []
    for column in columns:
        vector = tuple(number.value for number in column)
        if column[0].role in CHANNELS:
            extra.append(narrowed.expressed(vector))
        else:
            extra.append(str(vector[0]) if len(set(vector)) == 1 else "")
        if not extra[-1]:
            return None
    ends = [e for e, column in zip(extra, columns, strict=True) if column[0].role in CHANNELS]
    first, last = ends[0], ends[-1]
    if first not in everywhere or last not in everywhere:
        return None
    for i in range(len(instances)):
        if (everywhere[first][i].value != everywhere[last][i].value) != (i in having):
            return None
    return Parameters(plain.names, plain.vectors, common, tuple(extra), f"{first} != {last}")
