"""Python expressions as trees, generalised over their numbers."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True, slots=True)
class Number:
    """An integer, and the parameter that it is given for."""

    value: int
    role: str


@dataclass(frozen=True, slots=True)
class Group:
    """Expressions in brackets: `head`, the items, `tail`; a comprehension has no commas."""

    head: str
    items: tuple[Expr, ...]
    tail: str = ")"
    joint: str = ", "


Expr = Number | str | Group
"""A string is code as it stands."""


def call(name: str, *arguments: Expr, **keywords: Expr) -> Group:
    """`name(argument, ..., keyword=value, ...)`."""
    named = (Group(f"{key}=", (value,), "") for key, value in keywords.items())
    return Group(f"{name}(", (*arguments, *named))


def repeat(item: Expr, times: int) -> Expr:
    """`*[item for _ in range(times)]`, or the item alone."""
    return item if times == 1 else Group("*[", (item, f"for _ in range({times})"), "]", " ")


def runs(items: Iterable[Expr]) -> tuple[Expr, ...]:
    """The items, with equal ones in a row written once; layers, short as they are, stay."""
    return tuple(repeat(item, len(list(alike))) for item, alike in groupby(items))


def flat(expr: Expr) -> str:
    """The expression on one line."""
    if isinstance(expr, Number):
        return str(expr.value)
    if isinstance(expr, str):
        return expr
    return expr.head + expr.joint.join(flat(item) for item in expr.items) + expr.tail


def numbers(expr: Expr) -> Iterator[Number]:
    """The integers of an expression, from left to right."""
    if isinstance(expr, Number):
        yield expr
    elif isinstance(expr, Group):
        for item in expr.items:
            yield from numbers(item)


def fill(expr: Expr, values: Iterator[Expr]) -> Expr:
    """The expression with its integers replaced, from left to right."""
    if isinstance(expr, Number):
        return next(values)
    if isinstance(expr, Group):
        items = tuple(fill(item, values) for item in expr.items)
        return Group(expr.head, items, expr.tail, expr.joint)
    return expr


def skeleton(expr: Expr) -> Expr:
    """The expression without its integers: what expressions share that differ in them alone."""
    return fill(expr, iter(lambda: "?", None))


def module_list(items: Sequence[Expr]) -> Expr:
    """`nn.ModuleList` of items; by a loop where they differ in one or two numbers at most."""
    columns = list(zip(*map(numbers, items), strict=False))
    vectors = [tuple(number.value for number in column) for column in columns]
    varying = list(dict.fromkeys(vector for vector in vectors if len(set(vector)) > 1))
    if len(items) < 3 or len({skeleton(item) for item in items}) > 1 or len(varying) > 2:
        return call("nn.ModuleList", Group("[", tuple(items), "]"))
    names = ("inputs", "width")[2 - len(varying) :]
    named = dict(zip(varying, names, strict=True))
    item = fill(items[0], iter(named.get(v, c[0]) for v, c in zip(vectors, columns, strict=True)))
    kept = [columns[vectors.index(vector)] for vector in varying]
    loop: Expr = f"for _ in range({len(items)})"
    if varying:
        rows = tuple(Group("(", row) for row in zip(*kept, strict=True)) if varying[1:] else kept[0]
        loop = Group(f"for {', '.join(names)} in (", rows)
    return Group("nn.ModuleList(", (item, loop), ")", " ")


def string_literal(text: str) -> str:
    """A string literal in ASCII, whatever the text holds, in the quotes that ruff prefers."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    escaped = text.encode("unicode_escape").decode("ascii")
    return quote + escaped.replace(quote, f"\\{quote}") + quote


def is_name(text: str) -> bool:
    """Whether a text may stand as an attribute in the code."""
    return text.isascii() and text.isidentifier() and not keyword.iskeyword(text)
