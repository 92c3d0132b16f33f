"""What stands at a place of a spec: its meaning, its bounds, and where it is from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from hrnet_graph.analysis.cost import analyze
from hrnet_graph.compiler.build import build_graph
from hrnet_graph.errors import HRNetGraphError, Mark
from hrnet_graph.language.bases import Base, base_of, whole
from hrnet_graph.language.forms import Form, form_at
from hrnet_graph.language.places import Place, place_at
from hrnet_graph.language.values import Hover
from hrnet_graph.spec.about import about
from hrnet_graph.spec.expectation import shown
from hrnet_graph.spec.source import Located

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
        yield from _network(base)
        return
    own = place.root.plain()
    found = base.find(place.steps, own)
    if found is None:
        return
    if not isinstance(found.value, Mapping):
        yield f"Takes the place of {_short(found)}, {_from(found.mark)}."
        return
    stated = {str(entry.step) for entry in place.entry.value.entries} if place.entry.value else ()
    below = [
        f"- {key}: {_short(inner)}, {_from(inner.mark)}"
        for key, inner in found.children()
        if key not in stated and base.find((*place.steps, key), own)
    ]
    if below:
        yield "Inherited:\n" + "\n".join(below)


def _short(found: Located) -> str:
    text = shown(found.plain())
    return text if len(text) <= _MOST else f"{text[:_MOST]}...`"


def _from(mark: Mark) -> str:
    return f"of `{Path(mark.file).name}:{mark.line}:{mark.column}`"


def _network(base: Base) -> Iterator[str]:
    yield about(base.spec)
    try:
        report = _cost(base.file, base.file.stat().st_mtime_ns)
    except (HRNetGraphError, OSError):  # it says so itself, where it is opened
        return
    yield report


@lru_cache(maxsize=64)
def _cost(file: Path, _changed: int) -> str:
    report = analyze(build_graph(file))
    return f"{report.params / 1e6:.2f} M params, {report.macs / 1e9:.2f} GMACs."
