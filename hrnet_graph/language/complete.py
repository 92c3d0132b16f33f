"""What may be typed at a place of a spec."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from hrnet_graph.choices import SPECS
from hrnet_graph.language.bases import Base, base_of, whole
from hrnet_graph.language.forms import Form, form_at, value_at
from hrnet_graph.language.outline import Node, Steps, outline
from hrnet_graph.language.stages import stage_words
from hrnet_graph.language.tokens import BREAK
from hrnet_graph.language.values import Completion, Range
from hrnet_graph.spec import labels
from hrnet_graph.spec.about import about
from hrnet_graph.spec.catalogue import list_specs, list_variants
from hrnet_graph.spec.expectation import shown
from hrnet_graph.spec.load import load_spec
from hrnet_graph.spec.source import MAX_BYTES

_PLAIN = re.compile(r"[\w.][\w.-]*")
"""The names of files that need no quotes."""

_MOST_FILES = 200
_MOST_LABEL = 80


@dataclass(frozen=True)
class _Place:
    """A cursor: in a key of the mapping at `steps`, or in the value there.

    typed: what stands before the cursor of the word that takes up `range`
    is_block: whether a mapping of more lines may begin there
    """

    steps: Steps
    is_key: bool
    typed: str
    range: Range
    stated: tuple[str, ...] = ()
    colon: bool = False
    is_quoted: bool = False
    is_block: bool = False
    in_flow: bool = False
    gap: str = ""


def complete(
    text: str, line: int, column: int, path: Path | str | None = None
) -> tuple[Completion, ...]:
    """The keys, kinds, options and values that fit at a place, the required and likely ones first.

    The text may be broken in any way; `path` is the file that it is, or will be, in. Nothing is
    offered in comments, and in text that may be anything.

    Example:
        >>> from hrnet_graph.language.complete import complete
        >>> [found.label for found in complete("fuse: {upsample: }", 1, 18)]
        ['nearest', 'bilinear']
    """
    file = Path(path) if path is not None else None
    found = _place(text, line, column)
    if found is None:
        return ()
    place, root = found
    base = base_of(root, file)
    data = whole(root, base, () if place.is_key else place.steps)
    form = form_at(place.steps, data)
    if form is None:
        return ()
    offered: list[Completion] = []
    if not place.is_key:
        offered += [*_inherited(place, base, root), *_values(form, place)]
        if place.steps in (("extends",), ("labels",)):
            offered += _files(place, file)
    if place.is_key or (place.is_block and not place.is_quoted):
        offered = [*_keys(form, place, data), *offered]
    return tuple(_fitting(offered, place.typed))


def _place(text: str, line: int, column: int) -> tuple[_Place, Node] | None:
    """Where a cursor stands, found by a mark that is put there."""
    at = _offset(text, line, column)
    if at is None or len(text) > MAX_BYTES:
        return None
    mark = next(char for char in map(chr, range(0xE000, 0xF8FF)) if char not in text)
    gap = " " if text[:at].endswith(":") and text[at : at + 1].strip() == "" else ""
    root = outline(f"{text[:at]}{gap}{mark}{text[at:]}")
    found = _search(root, (), mark)
    if found and gap:
        cursor = Range(line, column, line, column)
        found = replace(found, range=cursor, gap=gap)
    return (found, root) if found else None


def _offset(text: str, line: int, column: int) -> int | None:
    """The characters before a place; those behind a line's end count as its end."""
    if line < 1 or column < 1:
        return None
    start = 0
    for _ in range(line - 1):
        match = BREAK.search(text, start)
        if match is None:
            return None
        start = match.end()
    end = BREAK.search(text, start)
    return min(start + column - 1, end.start() if end else len(text))


def _search(node: Node, steps: Steps, mark: str) -> _Place | None:
    for entry in node.entries:
        value, at = entry.value, (*steps, entry.step)
        if mark in str(entry.step):
            is_quoted = entry.range.end_column - entry.range.column > len(str(entry.step))
            word = _word(str(entry.step), entry.range, mark, is_quoted)
            stated = tuple(str(other.step) for other in node.entries if other is not entry)
            return word and replace(
                word, steps=steps, is_key=True, stated=stated, colon=entry.colon
            )
        if value is not None and value.is_scalar and mark in value.text:
            word = _word(value.text, value.range, mark, value.style == "quoted")
            below = value.range.line > entry.range.line or node.style == "list"
            return word and replace(
                word, steps=at, is_block=below and not node.in_flow, in_flow=node.in_flow
            )
        if value is not None and (found := _search(value, at, mark)):
            return found
    return None


def _word(text: str, place: Range, mark: str, is_quoted: bool) -> _Place | None:
    """A word of one line with the mark in it; none for text of many lines."""
    if place.line != place.end_line:
        return None
    start = place.column + is_quoted
    inside = Range(place.line, start, place.line, start + len(text) - len(mark))
    return _Place((), False, text.partition(mark)[0], inside, is_quoted=is_quoted)


def _keys(form: Form, place: _Place, data: object) -> Iterator[Completion]:
    """The keys of a mapping, or the indices of a list, that are not stated yet."""
    inside = value_at(place.steps, data)
    keys = form.keys(inside)
    inherited = inside if isinstance(inside, dict) else {}
    needed = [key for key in form.required(inside) if key not in inherited]
    last = [key for key in keys if key == "extends" and place.stated]
    order = [*(() if last else ["extends"]), *needed, *(key for key in keys if key not in last)]
    for key in dict.fromkeys([*order, *last]):
        if key in keys and key not in place.stated:
            yield _key(key, keys[key].expected, keys[key].meaning, place)
    if form.is_list and isinstance(inside, tuple):
        for index, item in enumerate(inside):
            if str(index) not in place.stated and place.steps == ("stages",):
                yield _key(str(index), stage_words(item), form.meaning, place)


def _key(key: str, expected: str, meaning: str, place: _Place) -> Completion:
    insert = key if place.colon or place.is_quoted else f"{key}: "
    return Completion(key, insert, expected, "key", meaning, place.range)


def _values(form: Form, place: _Place) -> Iterator[Completion]:
    """The values that a key may have; of numbers those that it has by default, or inherits."""
    if place.steps == ("extends",):
        for name in (*list_specs(), *list_variants()):
            yield Completion(
                name, place.gap + name, _about(name), "spec", _about(name), place.range
            )
        return
    choices = [*form.choices]
    usual = "" if form.default is None else shown(form.default)[1:-1]
    for choice in choices:
        label = shown(choice.value)[1:-1]
        detail = "default" if label == usual else ""
        yield _value(form, label, detail, choice.meaning, place)
    if not choices and usual and not isinstance(form.default, dict):
        yield Completion(usual, place.gap + usual, "default", "value", form.meaning, place.range)


def _inherited(place: _Place, base: Base | None, root: Node) -> Iterator[Completion]:
    """The value that stands in what is extended, to be changed a little."""
    found = base.find(place.steps, root.plain()) if base else None
    if found is None or isinstance(found.value, Mapping) or place.is_quoted:
        return
    if any(isinstance(inner.value, Mapping) for _, inner in found.children()):
        return
    label = shown(found.plain())[1:-1]
    origin = f"inherited from {base.name}" if base else ""
    if len(label) <= _MOST_LABEL:
        yield Completion(label, place.gap + label, origin, "value", "", place.range)


def _value(form: Form, label: str, detail: str, meaning: str, place: _Place) -> Completion:
    """A value; a kind with options that have to be stated is offered as a mapping of them."""
    is_kind = place.steps[-1:] == ("kind",)
    is_rule = is_kind or any(choice.value == label for choice in form.kinds)
    insert, after = place.gap + label, ""
    if is_rule and not (is_kind or place.is_quoted) and (needed := form.required({"kind": label})):
        insert, after = f"{place.gap}{{kind: {label}, {needed[0]}: ", "}"
    return Completion(
        label, insert, detail or meaning, "rule" if is_rule else "value", meaning, place.range,
        after,
    )  # fmt: skip


@cache
def _about(name: str) -> str:
    """What a network of the catalogue is."""
    return about(load_spec(name))


def _files(place: _Place, file: Path | None) -> Iterator[Completion]:
    """The specs, or the files of names, beside a spec."""
    endings = SPECS if place.steps == ("extends",) else (labels.SUFFIX,)
    try:
        beside = sorted(file.parent.iterdir())[:_MOST_FILES] if file else []
    except OSError:
        return
    for other in beside:
        if other.suffix in endings and other != file and _PLAIN.fullmatch(other.name):
            yield Completion(other.name, place.gap + other.name, "file", "file", "", place.range)


def _fitting(offered: Iterable[Completion], typed: str) -> Iterator[Completion]:
    """Those that begin with what is typed, before those that hold it."""
    labelled: dict[str, Completion] = {}
    for completion in offered:
        labelled.setdefault(completion.label, completion)
    found, word = labelled.values(), typed.lower()
    yield from (each for each in found if each.label.lower().startswith(word))
    if word:
        yield from (each for each in found if word in each.label.lower()[1:]
                    and not each.label.lower().startswith(word))  # fmt: skip
