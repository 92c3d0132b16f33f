"""Where what a spec names, or changes, stands."""

from __future__ import annotations

from pathlib import Path

from hrnet_graph.errors import Mark
from hrnet_graph.files import is_file
from hrnet_graph.language.bases import base_of
from hrnet_graph.language.places import Place, place_at
from hrnet_graph.language.values import Location, Range
from hrnet_graph.spec.labels import SUFFIX


def definition(
    text: str, line: int, column: int, path: Path | str | None = None
) -> Location | None:
    """The file of the spec that `extends` names, or of the names in `labels`; of any other key,
    where the network that is extended states it.
    """
    place = place_at(text, line, column)
    if place is None:
        return None
    file = Path(path) if path is not None else None
    if place.steps == ("labels",) and (found := _names(place, file)):
        return found
    base = base_of(place.root, file)
    if base is None:
        return None
    if place.steps == ("extends",):
        return Location(str(base.file), Range(1, 1, 1, 1))
    found_below = base.find(place.steps, place.root.plain())
    return _location(found_below.key_mark or found_below.mark) if found_below else None


def _names(place: Place, file: Path | None) -> Location | None:
    """The file of names that `labels` states."""
    value = place.entry.value
    if value is None or not value.is_scalar or not value.text.endswith(SUFFIX):
        return None
    names = (file.parent if file else Path()) / value.text
    return Location(str(names), Range(1, 1, 1, 1)) if is_file(names) else None


def _location(mark: Mark) -> Location | None:
    if mark.line is None or mark.column is None:
        return None
    return Location(mark.file, Range(mark.line, mark.column, mark.line, mark.column))
