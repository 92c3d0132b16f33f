"""From a name or a file to a checked spec: `extends` followed, overrides laid over it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hrnet_graph.errors import FileError, Problem, SpecError, dotted_key, quoted
from hrnet_graph.spec import weights_file
from hrnet_graph.spec.catalogue import find
from hrnet_graph.spec.labels import with_names
from hrnet_graph.spec.problems import problems_of
from hrnet_graph.spec.schema import ALIKE, Spec
from hrnet_graph.spec.source import Located, Mark, locate, parse, read_text

MAX_EXTENDS = 8
RENAMED: Mapping[str, str] = {"trunk": "backbone"}
"""Keys that specs were written with before -> their names now. Taken for the new ones until 1.0."""

_OWN = ("name", "published")
"""What a spec does not take from the one it extends, since it is another network."""


def load_spec(
    spec: str | Path | Mapping[str, Any] | Spec, overrides: Mapping[str, Any] | None = None
) -> Spec:
    """A spec by catalogue name or path (or as plain data), with overrides by dotted key.

    A path is a YAML file's, or that of a file of weights that `save` wrote: it holds its spec, and
    what is built from that has its weights.
    Published figures stay with an unchanged catalogue network alone: overrides drop them. Raises
    `SpecError` with every problem found, each with file, line and column.

    Example:
        >>> hg.load_spec("hrnet_w32_cls", {"width": 48, "stages.2.modules": 2}).width
        48
    """
    changes = (override(key, value, Mark("overrides")) for key, value in (overrides or {}).items())
    return load_with(spec, changes)


def load_with(spec: str | Path | Mapping[str, Any] | Spec, changes: Iterable[Located]) -> Spec:
    """A spec with located changes, as `override` makes them, laid over it in order."""
    changes = tuple(changes)
    if isinstance(spec, Spec) and not changes:
        return spec
    root, weights = _document(spec)
    if changes:
        root = _without(root, "published")
    for change in changes:
        root = _merge(root, with_names(_with_new_names(change), Path(), anywhere=True))
    return check(root, weights)


def _document(spec: str | Path | Mapping[str, Any] | Spec) -> tuple[Located, Path | None]:
    """What a person gave for a spec, as a located document, and its file of weights, if any."""
    if isinstance(spec, Spec):
        return locate(spec.dump(), Mark("spec")), spec.weights_file
    if isinstance(spec, Mapping):
        root = _with_new_names(locate(spec, Mark("spec")))
        return with_names(root, Path(), anywhere=True), None
    path = find(spec)
    if path.suffix.lower() in weights_file.SUFFIXES:
        try:
            return _with_new_names(parse(weights_file.read_spec(path), str(path))), path
        except FileError as error:
            raise SpecError([Problem("", "", error.message, error.hint)]) from None
    root = _resolve(path, ())
    return _merge(locate({"name": name_from(path)}, root.mark), root), None


def check(root: Located, weights: Path | None = None) -> Spec:
    """A located document as a spec, with the file of its weights, if there is one.

    Raises `SpecError` with every problem found.
    """
    root = _with_new_names(root)
    try:
        return Spec.model_validate(root.plain()).located(root, weights)
    except ValidationError as error:
        raise SpecError(problems_of(error, root)) from None


def override(key: str, value: Any, mark: Mark) -> Located:
    """`stages.2.modules`, 2 -> the change `{stages: {2: {modules: 2}}}`."""
    located = locate(value, mark)
    parts = key.split(".")
    if not all(parts) or len(parts) > 12:
        message = f"expected a dotted key such as stages.2.modules, got {quoted(key)}"
        raise SpecError([Problem(str(mark), "", message)])
    for part in reversed(parts):
        located = Located({part: replace(located, key_mark=mark)}, mark, mark)
    return located


def read_override(text: str) -> Located:
    """`KEY=VALUE` as given on a command line, the value in YAML."""
    key, equals, value = text.partition("=")
    mark = Mark(f"--set {quoted(text)[1:-1]}")
    if not equals:
        raise SpecError([Problem(str(mark), "", "expected KEY=VALUE, such as width=48")])
    try:
        parsed = parse(f"value: {value}", "").find(("value",)).plain()
    except SpecError as error:
        raise SpecError([Problem(str(mark), key, error.problems[0].message)]) from None
    return override(key, parsed, mark)


def name_from(path: Path) -> str:
    """A spec's name where it states none: its file's, with what a name may not hold replaced."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", path.stem).lstrip("_.-")[:100] or "unnamed"


def _resolve(path: Path, seen: tuple[Path, ...]) -> Located:
    """The document of a spec file, laid over the one that it extends."""
    root = with_names(_with_new_names(parse(read_text(path), str(path))), path.parent)
    assert isinstance(root.value, Mapping)
    if "extends" not in root.value:
        return root
    extends = root.value["extends"]
    place = str(extends.mark)
    if not isinstance(extends.value, str):
        message = f"expected the name or the path of a spec, got {quoted(extends.plain())}"
        raise SpecError([Problem(place, "extends", message)])
    seen = (*seen, path.resolve())
    try:
        base_path = find(extends.value, beside=path.parent)
    except SpecError as error:
        (problem,) = error.problems
        raise SpecError([Problem(place, "extends", problem.message, problem.hint)]) from None
    if base_path.resolve() in seen:
        raise SpecError([Problem(place, "extends", f"{base_path} extends itself in the end")])
    if len(seen) >= MAX_EXTENDS:
        message = f"expected at most {MAX_EXTENDS} specs that extend one another"
        raise SpecError([Problem(place, "extends", message)])
    base = _without(_resolve(base_path, seen), *_OWN)
    return _merge(base, _without(root, "extends"))


def _with_new_names(root: Located) -> Located:
    """The document with the keys of `RENAMED` under their new names, where those are free."""
    if not isinstance(root.value, Mapping) or RENAMED.keys().isdisjoint(root.value):
        return root
    names = {key: new for key, new in RENAMED.items() if new not in root.value}
    items = {names.get(key, key): item for key, item in root.value.items()}
    return replace(root, value=items)


def _without(root: Located, *keys: str) -> Located:
    """A mapping without some of its keys."""
    assert isinstance(root.value, Mapping)
    return replace(root, value={k: item for k, item in root.value.items() if k not in keys})


def _merge(base: Located, change: Located, at: tuple[str, ...] = ()) -> Located:
    """`base` with `change` laid over it.

    A mapping changes the keys it states, unless it states another `kind`: then it stands alone,
    since one kind's options mean nothing to another, unless the two are alike (`ALIKE`). A mapping
    with indices for keys changes those items of a list. Everything else takes the place of what was
    there.
    """
    alike = ALIKE.get(at, ())
    if change.value in alike and isinstance(base.value, Mapping):
        change = replace(change, value={"kind": change})
    if not isinstance(change.value, Mapping):
        return change
    if isinstance(base.value, tuple):
        return replace(change, value=_merge_items(base.value, change.value, at))
    if isinstance(base.value, str) and "kind" not in change.value:
        base = replace(base, value={"kind": base})
    if not isinstance(base.value, Mapping) or _other_kind(base.value, change.value, alike):
        return change
    merged = dict(base.value)
    for key, item in change.value.items():
        merged[key] = _merge(merged[key], item, (*at, key)) if key in merged else item
    return replace(change, value=merged)


def _other_kind(
    base: Mapping[str, Located], change: Mapping[str, Located], alike: Sequence[str]
) -> bool:
    """Whether `change` names another kind of rule than `base`."""
    if "kind" not in change:
        return False
    old, new = base["kind"].value if "kind" in base else None, change["kind"].value
    return old != new and not (new in alike and old in (None, *alike))


def _merge_items(
    items: tuple[Located, ...], changes: Mapping[str, Located], at: tuple[str, ...]
) -> tuple[Located, ...]:
    merged = list(items)
    for key, item in changes.items():
        index = int(key) if key.isascii() and key.isdigit() and len(key) < 6 else len(items)
        if index >= len(items):
            expected = f"an index from 0 to {len(items) - 1}, or a whole list"
            place = str(item.key_mark or item.mark)
            raise SpecError([Problem(place, dotted_key((*at, key)), f"expected {expected}")])
        merged[index] = _merge(merged[index], item, (*at, key))
    return tuple(merged)
