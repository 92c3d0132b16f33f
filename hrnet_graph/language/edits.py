"""The three edits of a spec's text: a value replaced, added or removed, in the style around."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hrnet_graph.errors import Key
from hrnet_graph.language.anchors import free, open_up
from hrnet_graph.language.data import Plain, at, read_data
from hrnet_graph.language.forms import form_at
from hrnet_graph.language.tree import (
    Entry,
    Node,
    is_first,
    line_break,
    line_end,
    line_start,
    read_tree,
    skip,
    way,
)
from hrnet_graph.language.writing import write_inline, write_item, write_key, write_lines


@dataclass(frozen=True)
class Edit:
    """Characters from `start` to `end` that other ones take the place of."""

    start: int
    end: int
    new: str = ""


def applied(text: str, *edits: Edit) -> str:
    """The text after edits that do not overlap."""
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True):
        text = text[: edit.start] + edit.new + text[edit.end :]
    return text


def replace(text: str, place: Key, new: Plain) -> str:
    """The text with another value at a key that is there."""
    text = free(text, place)
    root = read_tree(text)
    entries = way(root, place)
    entry, node = entries[-1], entries[-1].node
    owners = [root, *(entry.node for entry in entries[:-1])]
    line = line_end(text, entry.behind)
    if not any(owner.is_flow for owner in owners) and isinstance(entry.key, str):
        _, *rest = write_lines(new, owners[-1].column, _indentation(root), False)
        if rest:
            lines = line_break(text) + line_break(text).join(rest)
            if node.content > line:
                return applied(text, Edit(line, node.end, lines))
            last = line_end(text, node.end)
            return applied(text, Edit(entry.behind, node.end), Edit(last, last, lines))
    quote = node.style if node.style in ("'", '"') and isinstance(new, str) else ""
    written = write_inline(new, quote)
    if node.is_block and node.content > line:
        behind = Edit(entry.behind, entry.behind, f" {written}")
        return applied(text, behind, Edit(line, node.end))
    if node.content == node.end:  # nothing is stated behind the colon or the dash
        before = text[node.content - 1]
        written = {":": " ", "-": " ", " ": ""}.get(before, ": ") + written
    return applied(text, Edit(node.content, node.end, written))


def rename(text: str, place: Key, name: str) -> str:
    """The text in which a key that is there is called otherwise."""
    text = open_up(text, place[:-1])
    entry = way(read_tree(text), place)[-1]
    old = text[entry.start : entry.behind].removesuffix(":").rstrip()
    return applied(
        text, Edit(entry.start, entry.start + len(old), write_key(name, _quote(text, [entry])))
    )


def remove(text: str, place: Key) -> str:
    """The text without a value that is there, one of several in its mapping or list."""
    text = free(text, place)
    root = read_tree(text)
    owner = ([root] + [entry.node for entry in way(root, place[:-1])])[-1]
    entries = owner.entries or ()
    index = next(number for number, entry in enumerate(entries) if entry.key == place[-1])
    entry = entries[index]
    start, end = entry.start, max(entry.node.end, entry.behind)
    after = skip(text, end) + 1 if owner.is_flow and text[skip(text, end)] == "," else end
    following = entries[index + 1].start if index + 1 < len(entries) else None
    line = line_end(text, after)
    if is_first(text, start) and skip(text, after) >= line:  # whole lines
        return applied(text, Edit(line_start(text, start), _next_line(text, line)))
    if following is not None and not text[end:following].strip(", \t\r\n"):
        return applied(text, Edit(start, following))
    if following is None and owner.is_flow:
        return applied(text, Edit(entries[index - 1].node.end, end))
    return applied(text, Edit(start, after))


def _next_line(text: str, line: int) -> int:
    """Where the line behind a line's end begins."""
    return line + (len(line_break(text)) if line < len(text) else 0)


def add(text: str, place: Key, new: Plain) -> str:
    """The text with a value that its mapping does not hold yet, or with one more item."""
    text = open_up(text, place[:-1])
    root = read_tree(text)
    owner = ([root] + [entry.node for entry in way(root, place[:-1])])[-1]
    key, entries = place[-1], owner.entries or ()
    if isinstance(key, int):
        before = len(entries) - 1
    else:
        before = _predecessor(text, place[:-1], [str(entry.key) for entry in entries], key)
    if owner.is_flow:
        return _add_in_flow(text, owner, before, key, new)
    return _add_in_block(text, root, owner, before, key, new)


def _predecessor(text: str, owner: Key, stated: Sequence[str], key: str) -> int:
    """The index of the stated key behind which the schema has another; -1 if before all of them."""
    data = read_data(text)
    form = form_at(owner, data)
    order = [*form.keys(at(data, owner))] if form else []
    if key.isdecimal():
        earlier = {other for other in stated if other.isdecimal() and int(other) < int(key)}
    else:
        earlier = {*order[: order.index(key)]} if key in order else {*stated}
    return max((number for number, other in enumerate(stated) if other in earlier), default=-1)


def _quote(text: str, entries: Iterable[Entry]) -> str:
    """The quotes around the keys of a mapping."""
    found = next((text[entry.start] for entry in entries if isinstance(entry.key, str)), "")
    return found if found in ("'", '"') else ""


def _add_in_flow(text: str, owner: Node, before: int, key: str | int, new: Plain) -> str:
    entries = owner.entries or ()
    quote = _quote(text, entries)
    written = write_inline(new, quote)
    if isinstance(key, str):
        written = f"{write_key(key, quote)}: {written}"
    if not entries:
        return applied(text, Edit(owner.content + 1, owner.content + 1, written))
    follower = entries[before + 1] if before + 1 < len(entries) else None
    if before < 0:
        start = entries[0].start
        gap = line_break(text) + " " * (start - line_start(text, start))
        gap = gap if is_first(text, start) else " "
        return applied(text, Edit(start, start, f"{written},{gap}"))
    entry, end = entries[before], entries[before].node.end
    comma = skip(text, end)
    comma = comma + 1 if text[comma] == "," else end
    line = line_end(text, comma)
    is_own_line = is_first(text, entry.start) and skip(text, comma) >= line
    if not is_own_line or (follower is not None and comma == end):
        return applied(text, Edit(end, end, f", {written}"))
    indent = text[line_start(text, entry.start) : entry.start]
    tail = "," if comma > end else ""
    added = Edit(line, line, f"{line_break(text)}{indent}{written}{tail}")
    return applied(text, added, *([] if tail else [Edit(end, end, ",")]))


def _add_in_block(
    text: str, root: Node, owner: Node, before: int, key: str | int, new: Plain
) -> str:
    entries = owner.entries or ()
    indent, newline = " " * owner.column, line_break(text)
    if isinstance(key, int):
        lines = write_item(new, indent, entries[-1].node.is_block)
    else:
        in_block = any(_is_spread(entry.node) for entry in entries)
        first, *rest = write_lines(new, owner.column, _indentation(root), in_block)
        lines = [f"{indent}{write_key(key, _quote(text, entries))}:{first}", *rest]
    if before < 0:
        start = entries[0].start
        lines[0] = lines[0][owner.column :]
        return applied(text, Edit(start, start, newline.join(lines) + newline + indent))
    entry = entries[before]
    line = line_end(text, max(entry.node.end, entry.behind))
    return applied(text, Edit(line, line, newline + newline.join(lines)))


def _is_spread(node: Node) -> bool:
    """Whether a mapping has a line a key though it would fit on one."""
    inner = node.entries or ()
    is_mapping = any(isinstance(entry.key, str) for entry in inner)
    return node.is_block and is_mapping and not any(entry.node.is_block for entry in inner)


def _indentation(root: Node) -> int:
    """The columns by which the text indents."""
    blocks = (entry.node.column for entry in root.entries or () if entry.node.is_block)
    return next((column for column in blocks if column > 0), 2)
