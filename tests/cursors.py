"""Texts with a cursor in them, written `|`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hrnet_graph.language.complete import complete
from hrnet_graph.language.outline import Entry as Entry
from hrnet_graph.language.outline import Node, Steps
from hrnet_graph.language.values import Completion

W32 = "extends: hrnet_w32_cls\n"


def split(text: str) -> tuple[str, int, int]:
    """A text without its cursor, and the line and column of that."""
    before, _, after = text.partition("|")
    return before + after, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def offered(text: str, path: Path | None = None) -> tuple[Completion, ...]:
    return complete(*split(text), path)


def labels(text: str, path: Path | None = None) -> list[str]:
    return [completion.label for completion in offered(text, path)]


def accept(text: str, label: str) -> str:
    """The text after a completion was taken, with the cursor where it then stands."""
    plain, line, _ = split(text)
    found = next(completion for completion in offered(text) if completion.label == label)
    lines = plain.split("\n")
    start, end = found.range.column - 1, found.range.end_column - 1
    row = lines[line - 1]
    lines[line - 1] = f"{row[:start]}{found.insert}|{found.after}{row[end:]}"
    return "\n".join(lines)


def entries(node: Node, steps: Steps = ()) -> Iterator[tuple[Steps, Entry]]:
    """Every key and item of a text."""
    for entry in node.entries:
        yield (*steps, entry.step), entry
        if entry.value is not None:
            yield from entries(entry.value, (*steps, entry.step))
