"""Python expressions as text with places for their numbers, so that they can be generalised."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

PLACE = "\0"
"""What stands in the text for a number: no code holds it."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number, and the parameter that it is given for."""

    value: int | float
    role: str


@dataclass(frozen=True, slots=True)
class Expr:
    """An expression: its text, with a `PLACE` for each number, and the numbers from left to right.

    Equal texts are what expressions share that differ in numbers alone.
    """

    text: str
    numbers: tuple[Number, ...] = ()

    def __str__(self) -> str:
        return self.fill([str(number.value) for number in self.numbers]).text

    def fill(self, values: Iterable[Number | str]) -> Expr:
        """The expression with its numbers replaced, from left to right, by others or by code."""
        first, *rest = self.text.split(PLACE)
        filled = Expr(first)
        for text, value in zip(rest, values, strict=False):  # the rest first: values may go on
            filled = join("", [filled, value, text])
        return filled


Code = Expr | Number | str
"""A string is code as it stands."""


def join(joint: str, items: Iterable[Code]) -> Expr:
    """Expressions in a row, with the joint between them."""
    texts: list[str] = []
    numbers: list[Number] = []
    for item in items:
        if isinstance(item, Number):
            item = Expr(PLACE, (item,))
        texts.append(item if isinstance(item, str) else item.text)
        numbers += () if isinstance(item, str) else item.numbers
    return Expr(joint.join(texts), tuple(numbers))


def call(name: str, *arguments: Code, **keywords: Code) -> Expr:
    """`name(argument, ..., keyword=value, ...)`."""
    named = (join("=", pair) for pair in keywords.items())
    return join("", [f"{name}(", join(", ", [*arguments, *named]), ")"])


def repeat(item: Code, times: int) -> Expr:
    """`*[item for _ in range(times)]`, or the item alone."""
    return join("", [item] if times == 1 else ["*[", item, f" for _ in range({times})]"])


def runs(items: Iterable[Code]) -> list[Expr]:
    """The items, with equal ones in a row written once; layers, short as they are, stay."""
    return [repeat(item, len(list(alike))) for item, alike in groupby(items)]


def module_list(items: Sequence[Expr]) -> Expr:
    """`nn.ModuleList` of items; by a loop where they differ in one or two numbers at most."""
    columns = list(zip(*(item.numbers for item in items), strict=False))
    vectors = [tuple(number.value for number in column) for column in columns]
    varying = list(dict.fromkeys(vector for vector in vectors if len(set(vector)) > 1))
    if len(items) < 3 or len({item.text for item in items}) > 1 or len(varying) > 2:
        return join("", ["nn.ModuleList([", join(", ", items), "])"])
    names = ("inputs", "width")[2 - len(varying) :]
    named = dict(zip(varying, names, strict=True))
    item = items[0].fill(named.get(v, c[0]) for v, c in zip(vectors, columns, strict=True))
    loop = Expr(f"for _ in range({len(items)})")
    if varying:
        kept = [columns[vectors.index(vector)] for vector in varying]
        rows = [call("", *row) for row in zip(*kept, strict=True)] if varying[1:] else kept[0]
        loop = call(f"for {', '.join(names)} in ", *rows)
    return join("", ["nn.ModuleList(", item, " ", loop, ")"])


def string_literal(text: str) -> str:
    """A string literal in ASCII, whatever the text holds, in the quotes that ruff prefers."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    escaped = text.encode("unicode_escape").decode("ascii")
    return quote + escaped.replace(quote, f"\\{quote}") + quote


def is_name(text: str) -> bool:
    """Whether a text may stand as an attribute in the code."""
    return text.isascii() and text.isidentifier() and not keyword.iskeyword(text)
