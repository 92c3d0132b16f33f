"""What stands at a place of a spec: its meaning, its bounds, and where it is from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from hrnet_graph.compiler.check import Check
from hrnet_graph.errors import Mark
from hrnet_graph.language.bases import Base, base_of, is_other, whole
from hrnet_graph.language.forms import Form, form_at, value_at
from hrnet_graph.language.networks import base_words, checked, part_words
from hrnet_graph.language.places import Place, place_at
from hrnet_graph.language.values import Hover
from hrnet_graph.spec.expectation import shown
from hrnet_graph.spec.schema import DESCRIPTIONS

_MOST = 120
"""The most characters of a value that are told."""


def hover(text: str, line: int, column: int, path: Path | str | None = None) -> Hover | None:
    """What the key or value at a place means, what it may be, and what it takes the place of.

    The text may be broken in any way; `path` is the file that it is, or will be, in.

    Example:
        >>> from hrnet_graph.language.hover import hover
        >>> print(hover("width: 32", 1, 3).text)
        **width**: An integer from 1 to 65536.
        <BLANKLINE>
        Branch i has width * 2^i channels.
    """
    place = place_at(text, line, column)
    if place is None:
        return None
    file = Path(path) if path is not None else None
    base = base_of(place.root, file)
    data = whole(place.root, base)
    form = form_at(place.steps, data)
    if form is None:
        return None
    if not form.meaning and (owner := form_at(place.steps[:-1], data)):
        form = owner
    parts = [*_meaning(place, form), *_origin(place, base)]
    if place.steps[0] not in DESCRIPTIONS:
        found = checked(text, file, base)
        parts += [*_resolved(place, found, data), *part_words(found, place.steps)]
    return Hover("\n\n".join(parts), place.range) if parts else None


def _meaning(place: Place, form: Form) -> Iterator[str]:
    key = next((step for step in reversed(place.steps) if not str(step).isdigit()), "")
    if form.expected:
        yield f"**{key}**: {form.expected}"
    if form.meaning:
        yield form.meaning
    value = place.entry.value
    if not place.is_key and value is not None:
        for choice in form.choices:
            said = f"{shown(choice.value)}:"
            if choice.value == value.scalar and choice.meaning and said not in form.meaning:
                yield f"{said} {choice.meaning}"


def _origin(place: Place, base: Base | None) -> Iterator[str]:
    """What is inherited there, and from which line of which file."""
    if base is None:
        return
    if place.steps == ("extends",):
        yield from base_words(base)
        return
    own = place.root.plain()
    found = base.find(place.steps, own)
    if found is None:
        return
    if not isinstance(found.value, Mapping) or is_other(found.plain(), value_at(place.steps, own)):
        yield f"Takes the place of {_short(found.plain())}, {_from(found.mark)}."
        return
    stated = {str(entry.step) for entry in place.entry.value.entries} if place.entry.value else ()
    below = [
        f"- {key}: {_short(inner.plain())}, {_from(inner.mark)}"
        for key, inner in found.children()
        if key not in stated and base.find((*place.steps, key), own)
    ]
    if below:
        yield "Inherited:\n" + "\n".join(below)


def _short(value: object) -> str:
    return _code(shown(value)[1:-1])


def _code(text: str) -> str:
    """Another's words in code quotes, which they cannot leave."""
    text = " ".join(text.replace("`", "'").split())
    return f"`{text}`" if len(text) <= _MOST else f"`{text[:_MOST]}...`"


def _from(mark: Mark) -> str:
    return f"stated at {_code(f'{Path(mark.file).name}:{mark.line}:{mark.column}')}"


def _resolved(place: Place, found: Check, data: object) -> Iterator[str]:
    """The whole value that the network has there, where more than what is stated and inherited."""
    if found.spec is None or place.entry.value is None:
        return
    value = value_at(place.steps, found.spec.dump())
    if isinstance(value, Mapping) and value != value_at(place.steps, data):
        yield f"Resolved: {_short(value)}."
