"""Statements on as many lines as ruff would take for them."""

from __future__ import annotations

import re
from collections.abc import Iterator

WIDTH = 88
"""Columns of a line: ruff's own default."""

_MARKS = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[(\[{)\]}]|, | for | if """)


def wrap(line: str) -> list[str]:
    """A statement as ruff lays it out: where it is too long, broken at its last brackets."""
    if len(line) <= WIDTH:
        return [line]
    ends = [at for at, mark in _outside_brackets(line) if mark in "([{)]}"]
    start, end = (ends[:2] if line.lstrip().startswith("def ") else ends[-2:]) or (0, 0)
    if start == end:
        return [line]
    margin = " " * (len(line) - len(line.lstrip()))
    lines = [f"{margin}    {line[start:end]}"]
    if len(lines[0]) > WIDTH:
        items, comma = _items(line[start:end])
        lines = [each for item in items for each in wrap(f"{margin}    {item}{comma}")]
    return [line[:start], *lines, margin + line[end:]]


def _items(code: str) -> tuple[list[str], str]:
    """What brackets hold, item by item, and what stands behind each; a comprehension's parts."""
    marks = [(at, mark) for at, mark in _outside_brackets(code) if mark not in "([{)]}"]
    loops = [at for at, mark in marks if mark != ", "] if (" for " in dict(marks).values()) else []
    cuts = loops if any(m == " for " for _, m in marks) else [at for at, m in marks if m == ", "]
    pieces = [code[a:b] for a, b in zip([0, *cuts], [*cuts, len(code)], strict=True)]
    return [piece.lstrip(", ") for piece in pieces], "," if cuts and not loops else ""


def _outside_brackets(code: str) -> Iterator[tuple[int, str]]:
    """Where brackets open (behind them) and close, and what parts items, outside of others."""
    depth = 0
    for found in _MARKS.finditer(code):
        mark = found[0]
        depth -= mark in ")]}"
        if depth == 0 and mark[0] not in "\"'":
            yield (found.end() if mark in "([{" else found.start()), mark
        depth += mark in "([{"
