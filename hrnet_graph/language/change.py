"""A spec's text with one value changed: the smallest change, comments and layout kept."""

from __future__ import annotations

from pathlib import Path

from hrnet_graph.errors import (
    HRNetGraphError,
    Key,
    SpecError,
    dotted_key,
    key_parts,
    quoted,
)
from hrnet_graph.language.bases import base_of, whole
from hrnet_graph.language.data import Plain, at, having, lacking, plain_value, read_data, same, step
from hrnet_graph.language.edits import add, remove, rename, replace
from hrnet_graph.language.outline import outline


def set_value(text: str, key: str, value: object, path: str | Path | None = None) -> str:
    """The text of a spec with a value at a dotted key, such as `width` or `stages.2.modules`.

    What the text does not state yet, because it is inherited or the default, is added in the order
    of the schema and in the style of its neighbours: an item of an inherited list by its index. One
    past the last item appends. `path` is the spec's file, beside which `extends` is looked for.
    Raises `HRNetGraphError` where the text is no YAML or cannot have the value.
    """
    data, parts = read_data(text), _parts(key)
    new = plain_value(value)
    place, new = _place(data, parts, new)
    listed = _inherited_stages(text, path) if _is_stage(data, parts) else None
    if listed is not None and int(parts[1]) == len(listed):
        place, new = ("stages",), [*listed, plain_value(value)]
    return _checked(_change(text, place, new), having(data, place, new), key)


def remove_value(text: str, key: str, path: str | Path | None = None) -> str:
    """The text of a spec without the value at a dotted key, and the mappings that this empties.

    A stage that is inherited is removed by stating the others. Raises `HRNetGraphError` where the
    text is no YAML or does not state the value.
    """
    data, parts = read_data(text), _parts(key)
    place = _stated(data, parts)
    if place is None:
        listed = _inherited_stages(text, path) if _is_stage(data, parts) else None
        if listed is None or int(parts[1]) >= len(listed):
            raise _unstated(data, key)
        del listed[int(parts[1])]
        return _checked(_change(text, ("stages",), listed), having(data, ("stages",), listed), key)
    while len(place) > 1 and _is_alone(data, place):
        place = place[:-1]
    inside = _inside(data, place)
    if len(inside) > 1:
        return _checked(remove(text, place), lacking(data, place), key)
    if len(place) == 1:
        raise HRNetGraphError(f"{key}: expected a spec to state one key at least")
    empty: Plain = [] if isinstance(inside, list) else {}
    return _checked(_change(text, place[:-1], empty), having(data, place[:-1], empty), key)


def rename_key(text: str, key: str, name: str) -> str:
    """The text of a spec in which a dotted key's last part is called otherwise.

    Raises `HRNetGraphError` where the text does not state it, or states the other one already.
    """
    data = read_data(text)
    place = _stated(data, _parts(key))
    owner = _inside(data, place) if place else []
    if place is None or isinstance(owner, list):
        raise _unstated(data, key)
    if name in owner:
        raise HRNetGraphError(f"{quoted(key)[1:-1]}: {quoted(name)[1:-1]} is stated already")
    renamed = {name if old == place[-1] else old: item for old, item in owner.items()}
    return _checked(rename(text, place, name), having(data, place[:-1], renamed), key)


def _parts(key: str) -> tuple[str, ...]:
    parts = key_parts(key)
    if not all(parts) or len(parts) > 12:
        raise HRNetGraphError(f"expected a dotted key such as stages.2.modules, got {quoted(key)}")
    return parts


def _is_stage(data: dict[str, Plain], parts: tuple[str, ...]) -> bool:
    """Whether a key is that of a stage of a list that the data does not state whole."""
    is_stage = len(parts) == 2 and parts[0] == "stages" and parts[1].isdecimal()
    return is_stage and len(parts[1]) < 6 and not isinstance(data.get("stages"), list)


def _inherited_stages(text: str, path: str | Path | None) -> list[Plain] | None:
    """The stages of a spec that extends another, its own changes laid over them."""
    root = outline(text)
    base = base_of(root, Path(path) if path else None)
    data = plain_value(whole(root, base) if base else None)
    stages = data.get("stages") if isinstance(data, dict) else None
    return stages if isinstance(stages, list) else None


def _place(data: Plain, parts: tuple[str, ...], value: Plain) -> tuple[Key, Plain]:
    """The value that changes, whose parent the data states, and what it becomes.

    A kind alone, as `head: ocr`, is the mapping `{kind: ocr}` to whoever sets an option.
    """
    place: Key = ()
    for number, part in enumerate(parts):
        found, rest = step(data, part), parts[number + 1 :]
        if found is None:
            break
        data, place = at(data, (found,)), (*place, found)
        if isinstance(data, str) and rest == ("kind",):
            return place, value
    else:
        return place, value
    for inner in reversed(rest):
        value = {inner: value}
    if isinstance(data, dict):
        return (*place, part), value
    if isinstance(data, str) or data is None:
        return place, {**({} if data is None else {"kind": data}), part: value}
    if isinstance(data, list) and part == str(len(data)) and not rest:
        return (*place, len(data)), value
    items = f"an index from 0 to {len(data) - 1}" if isinstance(data, list) else "a mapping"
    raise HRNetGraphError(f"{dotted_key(place)}: expected {items}, got {quoted(part)[1:-1]}")


def _stated(data: Plain, parts: tuple[str, ...]) -> Key | None:
    """The key of a value that the data states; that of a kind alone is its owner's."""
    place: Key = ()
    for number, part in enumerate(parts):
        if (found := step(data, part)) is None:
            is_kind = isinstance(data, str) and parts[number:] == ("kind",) and place
            return place if is_kind else None
        data, place = at(data, (found,)), (*place, found)
    return place


def _inside(data: Plain, place: Key) -> list[Plain] | dict[str, Plain]:
    """The collection that holds the value at a key."""
    inside = at(data, place[:-1])
    assert isinstance(inside, list | dict)
    return inside


def _is_alone(data: Plain, place: Key) -> bool:
    """Whether a value is all that its mapping holds, which is itself one of a mapping."""
    keys = all(isinstance(part, str) for part in place[-2:])
    return keys and len(_inside(data, place)) == 1


def _unstated(data: dict[str, Plain], key: str) -> HRNetGraphError:
    extends = data.get("extends")
    hint = f"what comes from {extends} stays, unless another value is set" if extends else ""
    return HRNetGraphError(f"{quoted(key)[1:-1]}: expected a value that the text states", hint)


def _change(text: str, place: Key, new: Plain) -> str:
    """The text with a value changed in the places where it differs."""
    data = read_data(text)
    parent = at(data, place[:-1]) if place else None
    if isinstance(parent, dict) and place[-1] not in parent:
        return add(text, place, new)
    if isinstance(parent, list) and place[-1] == len(parent):
        return add(text, place, new)
    old = at(data, place)
    if same(old, new):
        return text
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() & new.keys():
        for name in old.keys() - new.keys():
            text = remove(text, (*place, name))
        for name, item in new.items():
            text = _change(text, (*place, name), item)
        return text
    if isinstance(old, list) and isinstance(new, list) and old and new:
        for index in range(len(old) - 1, len(new) - 1, -1):
            text = remove(text, (*place, index))
        for index, item in enumerate(new):
            text = _change(text, (*place, index), item)
        return text
    return replace(text, place, new)


def _checked(text: str, wanted: Plain, key: str) -> str:
    """A changed text, if it says what it should and nothing else."""
    try:
        if same(read_data(text), wanted):
            return text
        reason = "the text would say something else too"
    except (SpecError, UnicodeError) as error:
        reason = f"the text would be no YAML any more ({str(error).splitlines()[0]})"
    hint = "change it by hand: an anchor, or the way in which it is written, is in the way"
    raise HRNetGraphError(f"{quoted(key)[1:-1]}: cannot be changed here: {reason}", hint)
