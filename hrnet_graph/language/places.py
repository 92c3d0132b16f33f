"""What stands at a place of a text: the entry there, and whether its key or its value."""

from __future__ import annotations

from dataclasses import dataclass

from hrnet_graph.language.outline import Entry, Node, Steps, outline
from hrnet_graph.language.values import Range


@dataclass(frozen=True)
class Place:
    """An entry under a cursor, and the steps to it; `range` is that of its key, dash or value."""

    root: Node
    steps: Steps
    entry: Entry
    is_key: bool
    range: Range


def place_at(text: str, line: int, column: int) -> Place | None:
    """The innermost entry under a cursor, if there is one."""
    root = outline(text)
    return _inside(root, root, (), line, column)


def _inside(root: Node, node: Node, steps: Steps, line: int, column: int) -> Place | None:
    for entry in node.entries:
        at = (*steps, entry.step)
        value = entry.value
        if value is not None and value.range.holds(line, column):
            if value.is_scalar:
                return Place(root, at, entry, False, value.range)
            if found := _inside(root, value, at, line, column):
                return found
        if entry.range.holds(line, column):
            return Place(root, at, entry, True, entry.range)
        if value is not None and value.in_flow and _on_bracket(value, line, column):
            return Place(root, at, entry, True, entry.range)
    return None


def _on_bracket(node: Node, line: int, column: int) -> bool:
    """Whether a cursor touches the bracket that opens a mapping or list."""
    return line == node.range.line and node.range.column <= column <= node.range.column + 1
