"""The parts of a spec's text, for outlines and for going from one to the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hrnet_graph.language.outline import Entry, Node, end_of, outline
from hrnet_graph.language.stages import stage_words
from hrnet_graph.language.values import Symbol
from hrnet_graph.spec.expectation import shown

_MOST = 60
"""The most characters of a value that are shown."""


def symbols(text: str) -> tuple[Symbol, ...]:
    """The keys of a spec, the stages among them, in the order of the text, however broken it is.

    Example:
        >>> from hrnet_graph.language.symbols import symbols
        >>> (found,) = symbols("stages: [{block: basic, branches: 2, modules: 4}]")
        >>> found.children[0].name, found.children[0].detail
        ('stage 1', 'basic, 2 branches x 4 modules')
    """
    return tuple(_symbols(outline(text)))


def _symbols(root: Node) -> Iterator[Symbol]:
    for entry in root.entries:
        children: tuple[Symbol, ...] = ()
        if entry.step == "stages" and entry.value is not None:
            children = tuple(_stage(inner) for inner in entry.value.entries)
        elif entry.value is not None and entry.value.style == "mapping":
            children = tuple(_symbol(inner) for inner in entry.value.entries)
        detail = _counted(len(children)) if entry.step == "stages" else _detail(entry)
        yield Symbol(_name(entry), detail, end_of(entry), entry.range, children)


def _symbol(entry: Entry) -> Symbol:
    return Symbol(_name(entry), _detail(entry), end_of(entry), entry.range)


def _stage(entry: Entry) -> Symbol:
    """A stage by its number, which counts from 1 as in the names of layers."""
    step = str(entry.step)
    name = f"stage {int(step) + 1}" if step.isdecimal() and len(step) < 6 else _name(entry)
    words = stage_words(entry.value.plain() if entry.value else None)
    inner = entry.value.entries if entry.value and entry.value.style == "mapping" else ()
    return Symbol(name, words, end_of(entry), entry.range, tuple(map(_symbol, inner)))


def _name(entry: Entry) -> str:
    return str(entry.step)[:_MOST] or "?"


def _detail(entry: Entry) -> str:
    """A value in a few words: a rule by its kind, what is long by its beginning."""
    data = entry.value.plain() if entry.value else None
    if data is None:
        return ""
    if isinstance(data, Mapping) and isinstance(data.get("kind"), str):
        data = data["kind"]
    text = " ".join(shown(data)[1:-1].split())
    return text if len(text) <= _MOST else f"{text[: _MOST - 3]}..."


def _counted(count: int) -> str:
    return f"{count} stage{'' if count == 1 else 's'}"
