"""All combinations of some values of a spec, each built and counted."""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter, le, mul
from typing import Any

from hrnet_graph.compiler.build import build_graph
from hrnet_graph.errors import HRNetGraphError, Mark, Problem, SpecError, quoted
from hrnet_graph.search.expression import Condition, UndecidedError
from hrnet_graph.search.figures import FIGURES, beside, figures
from hrnet_graph.search.shares import results
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.reading import UNREAD
from hrnet_graph.spec.schema import Spec
from hrnet_graph.spec.source import parse

MAX_VARIANTS = 100_000

RANGE = re.compile(r"(?<![^, \[])(-?[0-9]{1,9})\.\.(-?[0-9]{1,9})(?:\.\.([0-9]{1,9}))?(?![^, \]])")
"""Whole numbers from the first to the last, by steps of the third or of one."""

LONGEST = 10_000
"""How many numbers a range may have."""

NO_RANGE = re.compile(r"(?<![^, \[:])(?=[-+.]*[0-9])[-+.0-9]*\.\.[-+.0-9]*(?![^, \]}])")
"""What was meant as a range, and is none that has numbers."""

ALONE = 128
"""Fewer variants than this are counted in this process: others take longer to start."""

SHARES, MANY = 16, 32_768
"""Into how many shares for each core variants are divided, up to so many; more in more shares of
the same size, since what is not yet told is held. What is near is alike, and best in one share."""


@dataclass(frozen=True)
class Variant:
    """One combination: the values that were set, and its counts or why it makes no network."""

    values: Mapping[str, Any]
    counts: Mapping[str, int]
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The variant as one flat row."""
        return {**self.values, **self.counts, "error": self.error}


def said(values: Mapping[str, Any]) -> str:
    """Values of keys in one line: `width=18, stages.2.modules=4`."""
    return ", ".join(f"{key}={value}" for key, value in values.items())


def read_vary(text: str) -> tuple[str, list[Any]]:
    """`width=18,32,48` -> `width`, [18, 32, 48]; values in YAML; `16..48..8` is a range.

    Raises `SpecError`.
    """
    key, equals, row = text.partition("=")
    place = Mark(f"--vary {quoted(text)[1:-1]}")
    if not equals or not key:
        raise SpecError([Problem(place, "", "expected KEY=a,b,c, such as width=18,32,48")])
    row = RANGE.sub(_numbers, row)
    if wrong := NO_RANGE.search(row):
        what = f"{quoted(wrong[0])} is no range of 1 to {LONGEST:,} whole numbers"
        hint = f"for example: --vary {quoted(key)[1:-1]}=16..48..8, from 16 to 48 by steps of 8"
        raise SpecError([Problem(place, key, what, hint)])
    try:
        values = parse(f"values: [{row}]", "").find(("values",)).plain()
    except SpecError as error:
        raise SpecError([Problem(place, key, error.problems[0].message)]) from None
    if not isinstance(values, tuple) or not values:
        raise SpecError([Problem(place, key, "expected at least one value")])
    return key, list(values)


def read_varied(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Every key with the values to try for it, as `read_vary` reads them.

    Raises `SpecError`, also for a key that is given twice.
    """
    vary: dict[str, list[Any]] = {}
    for text in texts:
        key, values = read_vary(text)
        if key in vary:
            place = Mark(f"--vary {quoted(text)[1:-1]}")
            hint = f"give all its values at once: --vary {quoted(key)[1:-1]}=a,b,c"
            raise SpecError([Problem(place, "", f"{quoted(key)} is varied twice", hint)])
        vary[key] = values
    return vary


def _numbers(found: re.Match[str]) -> str:
    """`16..48..8` -> `16,24,32,40,48`, both ends included; what has none or too many stays."""
    first, last, step = int(found[1]), int(found[2]), int(found[3] or 1)
    numbers = range(first, last + 1, step) if step else range(0)
    return ",".join(map(str, numbers)) if 0 < len(numbers) <= LONGEST else found[0]


def count_of(vary: Mapping[str, Sequence[Any]]) -> int:
    """How many ways there are to take one value for each key.

    Raises `HRNetGraphError` for none and for too many.
    """
    total = math.prod(map(len, vary.values())) if vary else 0
    if not 1 <= total <= MAX_VARIANTS:
        raise HRNetGraphError(f"expected 1 to {MAX_VARIANTS} variants, got {total}")
    return total


def combinations(
    vary: Mapping[str, Sequence[Any]], first: int = 0, last: int | None = None
) -> Iterator[dict[str, Any]]:
    """Every way to take one value for each key, the last changing first, or some of them."""
    rows = itertools.islice(itertools.product(*vary.values()), first, last)
    return (dict(zip(vary, row, strict=True)) for row in rows)


def sweep(
    spec: Spec,
    vary: Mapping[str, Sequence[Any]],
    *,
    names: Collection[str] = FIGURES,
    where: Condition | None = None,
) -> Iterator[Variant]:
    """Every combination in order, counted as it is asked for, on all cores where there are many.

    `names` says which of `FIGURES` are counted; `where`, which combinations are told. One that
    makes no network is a variant that says so, unless there is a condition; a key that the spec
    language has not is an error before anything is counted. Raises `SpecError`.
    """
    found = counted(spec, vary, names, where)
    return (v for v in found if v is not None and not (where and v.error))


def counted(
    spec: Spec, vary: Mapping[str, Sequence[Any]], names: Collection[str], where: Condition | None
) -> Iterator[Variant | None]:
    """The same, with None in place of what does not meet the condition."""
    total, cores = count_of(vary), os.cpu_count() or 1
    count = partial(_count, spec, tuple(names), where)
    check_keys(spec, vary)
    if total < ALONE:
        return map(count, combinations(vary))
    return results(partial(_count_some, count, vary), total, share_of(vary, cores), cores)


def share_of(vary: Mapping[str, Sequence[Any]], cores: int) -> int:
    """How many variants one of so many processes counts at a time: as far as there can be, all that
    have the values of the first keys in common, which share their parts.
    """
    lengths = [*map(len, vary.values())]
    most = -(-min(math.prod(lengths), MANY) // (SHARES * cores))
    alike = max(n for n in itertools.accumulate(lengths[::-1], mul, initial=1) if n <= most)
    return most // alike * alike


def check_keys(spec: Spec, vary: Mapping[str, Sequence[Any]]) -> None:
    """Raises `SpecError` for a key that no spec has, or that nothing reads in this one.

    Values that do not fit come out later. A key counts as read if it is beside one value of another
    key that is varied.
    """
    for key, values in vary.items():
        wrong = _wrong_keys(spec, {key: values[0]})
        beside = ((other, value) for other in vary if other != key for value in vary[other])
        for other, value in beside if wrong else ():
            wrong = wrong and _wrong_keys(spec, {key: values[0], other: value})
        if wrong:
            where = [Problem(Mark(f"--vary {key}"), p.key, p.message, p.hint) for p in wrong]
            raise SpecError(where)


_NO_KEY = ("unknown key", "expected an index", "expected a dotted key", UNREAD)


def _wrong_keys(spec: Spec, values: Mapping[str, Any]) -> list[Problem]:
    """The keys among these that the spec has not, or that nothing reads."""
    try:
        build_graph(load_spec(spec, values))
    except SpecError as error:
        return [p for p in error.problems if p.message.startswith(_NO_KEY)]
    return []


def _count(
    spec: Spec, names: tuple[str, ...], where: Condition | None, values: dict[str, Any]
) -> Variant | None:
    """One combination, of which no more is counted than is asked for."""
    try:
        found = figures(load_spec(spec, {"name": spec.name, **values}))  # none tells by another
        if where is not None and not where(beside(values, found)):
            return None
        return Variant(values, {name: found[name] for name in names})
    except UndecidedError:
        raise
    except HRNetGraphError as error:
        return Variant(values, {}, str(error).splitlines()[0])


def _count_some(
    count: Callable[[dict[str, Any]], Variant | None],
    vary: Mapping[str, Sequence[Any]],
    first: int,
    last: int,
) -> list[Variant | None]:
    return [*map(count, combinations(vary, first, last))]


def pareto(variants: Sequence[Variant], *columns: str) -> list[Variant]:
    """The variants that no other one beats in all columns, smaller being better."""
    points = [(tuple(v.counts[c] for c in columns), v) for v in variants if v.counts]
    front: list[tuple[tuple[int, ...], Variant]] = []
    for point, variant in sorted(points, key=itemgetter(0)):
        if not any(other != point and all(map(le, other, point)) for other, _ in front):
            front.append((point, variant))
    return [variant for _, variant in front]
