"""From a name or a file to a checked spec: `extends` followed, overrides laid over it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any, overload

from pydantic import ValidationError

from hrnet_graph.checks import check_kind
from hrnet_graph.errors import (
    NOWHERE,
    FileError,
    Fix,
    HRNetGraphError,
    Key,
    Mark,
    Problem,
    SpecError,
    as_yaml,
    key_parts,
    meant,
    quoted,
)
from hrnet_graph.files import is_file
from hrnet_graph.spec import weights_file
from hrnet_graph.spec.catalogue import find, folder, list_specs, list_variants
from hrnet_graph.spec.foreign import refuse_foreign
from hrnet_graph.spec.labels import with_names
from hrnet_graph.spec.layers import Layer, lay
from hrnet_graph.spec.merge import drop, keys, merge, without
from hrnet_graph.spec.naming import marked_name
from hrnet_graph.spec.problems import problems_of
from hrnet_graph.spec.schema import Spec
from hrnet_graph.spec.source import (
    IN_MEMORY,
    STDIN,
    Located,
    checked_text,
    locate,
    parse,
    read_text,
)

MAX_EXTENDS = 8
RENAMED: Mapping[str, str] = {"trunk": "backbone"}
"""Keys that specs were written with before -> their names now. Taken for the new ones until 1.0."""

LISTED = ("keys", "order")
"""Keys of what says nothing where nothing stands in it."""

_OWN = ("name", "published")
"""What a spec does not take from the one it extends, since it is another network."""


@overload
def load_spec(
    spec: str | Path | Mapping[str, Any] | Spec, overrides: Mapping[str, Any] | None = None
) -> Spec: ...
@overload
def load_spec(
    *, text: str, overrides: Mapping[str, Any] | None = None, path: str | Path | None = None
) -> Spec: ...
def load_spec(
    spec: str | Path | Mapping[str, Any] | Spec | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    text: str | None = None,
    path: str | Path | None = None,
) -> Spec:
    r"""A spec by catalogue name or path (or as plain data), with overrides by dotted key.

    A path is a YAML file's, or that of a file of weights that `save` wrote: it holds its spec, and
    what is built from that has its weights. `text` is a spec itself, in YAML, as it stands (or is
    to stand) at `path`, which messages name and from where `extends` and `labels` are found.

    Published figures stay with an unchanged catalogue network alone: overrides drop them, and a
    network that they change says so in its name: `hrnet_w32_cls, width 48`. Raises `SpecError`
    with every problem found, each with file, line and column.

    Example:
        >>> hg.load_spec("hrnet_w32_cls", {"width": 48, "stages.2.modules": 2}).width
        48
        >>> hg.load_spec(text="extends: hrnet_w32_cls\nwidth: 40").width
        40
    """
    if (spec is None) is (text is None):
        got = "neither" if text is None else "both"
        raise HRNetGraphError(f"load_spec: expected a spec or `text`, got {got}")
    if text is not None:
        check_kind("text", text, str, "a file's is Path(file).read_text()")
    if overrides is not None:
        check_kind("overrides", overrides, Mapping, 'such as {"width": 48}')
    changes = [override(key, value, Mark("overrides")) for key, value in (overrides or {}).items()]
    if text is not None:
        return load_text(text, path, changes)
    assert spec is not None
    return load_with(spec, changes)


def load_text(text: str, path: str | Path | None, changes: Iterable[Located] = ()) -> Spec:
    """The spec that a text is, as if it stood at `path`, with changes as `load_with` takes them.

    Raises `SpecError` with every problem found.
    """
    path = Path(path) if path else None
    text = checked_text(text, str(path or IN_MEMORY))
    seen = (path.resolve(),) if path and is_file(path) else ()
    document = parse(text, str(path or IN_MEMORY))
    return _changed(_layers_of(document, path, seen), _checked(changes))


def load_with(spec: str | Path | Mapping[str, Any] | Spec, changes: Iterable[Located]) -> Spec:
    """A spec with located changes, as `override` makes them, laid over it in order.

    What they change of the network stands in its name, unless they state one.
    """
    changes = _checked(changes)
    if isinstance(spec, Spec) and not changes:
        return spec
    if isinstance(spec, Spec):
        layers = spec.layers or (lay(locate(spec.dump(), Mark(IN_MEMORY))),)
        return _changed(layers, changes, spec)
    if isinstance(spec, Mapping):
        document = _with_new_names(locate(spec, Mark(IN_MEMORY)))
        document = with_names(document, Path(), anywhere=True)
        layers = _base_of(document, Path(), ())
        if layers:
            changes = (without(document, "extends"), *changes)
        else:
            layers = (lay(document),)
    else:
        layers = _read(find(spec))
    return _changed(layers, changes)


def _checked(changes: Iterable[Located]) -> tuple[Located, ...]:
    """Changes under the keys of today; another `extends` is none."""
    changes = tuple(
        with_names(_with_new_names(change), Path(), anywhere=True) for change in changes
    )
    if extends := [change for change in changes if "extends" in keys(change)]:
        message = "no change of a spec: give the one that it names in place of this one"
        raise SpecError([Problem(extends[0].mark, "extends", message)])
    return changes


def _changed(
    layers: tuple[Layer, ...], changes: tuple[Located, ...], before: Spec | None = None
) -> Spec:
    """The spec of some documents with changes laid over them, which its name says.

    `before` is that of the documents alone, where it is known.
    """
    if not changes:
        return check(layers[-1].root, layers)
    layers = (*layers, lay(without(layers[-1].root, "published"), *changes))
    found = check(layers[-1].root, layers)
    return found if any("name" in keys(change) for change in changes) else _marked(found, before)


def _marked(spec: Spec, before: Spec | None) -> Spec:
    """A spec under a name that says what its last layer changed of the network."""
    *below, last = spec.layers
    try:
        before = before or check(below[-1].root)
    except SpecError:  # of a base that is none without the changes
        return spec
    name = marked_name(before, spec, last.changes)
    root = merge(last.root, locate({"name": name}, last.root.mark))
    renamed = spec.model_copy(update={"name": name})
    return renamed.located((*below, replace(last, root=root)))


def check(root: Located, layers: Sequence[Layer] = ()) -> Spec:
    """A located document as a spec, the last of `layers` if there are others below it.

    Raises `SpecError` with every problem found.
    """
    root = _with_new_names(root)
    try:
        spec = Spec.model_validate(root.plain())
    except ValidationError as error:
        raise SpecError(problems_of(error, root, layers)) from None
    last = replace(layers[-1], root=root) if layers else Layer(root, (root,))
    return spec.located((*layers[:-1], last))


def without_keys(spec: Spec, gone: Collection[Key]) -> Spec:
    """The same spec, which does not state some of its values."""
    if not gone:
        return spec
    root = reduce(drop, reversed([*gone]), spec.layers[-1].root)  # of a list its last items first
    root = without(root, *(key for key in LISTED if root.find((key,)).value in ({}, ())))
    return check(root, spec.layers)


def override(key: str, value: Any, mark: Mark) -> Located:
    """`stages.2.modules`, 2 -> the change `{stages: {2: {modules: 2}}}`."""
    located = locate(value, mark)
    parts = key_parts(key)
    if not all(parts) or len(parts) > 12:
        message = f"expected a dotted key such as stages.2.modules, got {quoted(key)}"
        raise SpecError([Problem(mark, "", message)])
    for part in reversed(parts):
        located = Located({part: replace(located, key_mark=mark)}, mark, mark)
    return located


def read_override(text: str) -> Located:
    """`KEY=VALUE` as given on a command line, the value in YAML."""
    key, equals, value = text.partition("=")
    mark = Mark(f"--set {quoted(text)[1:-1]}")
    if not equals:
        match = re.fullmatch(r"([a-z][a-z0-9_.]*)[ :]*(\S*)", text) or ("", "width", "")
        example = f"{match[1]}={match[2] or 48}"
        raise SpecError([Problem(mark, "", f"expected KEY=VALUE, such as {example}")])
    try:
        parsed = parse(f"value: {value}", "").find(("value",)).plain()
    except SpecError as error:
        raise SpecError([Problem(mark, key, error.problems[0].message)]) from None
    return override(key, parsed, mark)


def name_from(path: Path) -> str:
    """A spec's name where it states none: its file's, with what a name may not hold replaced."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", path.stem).lstrip("_.-")[:100] or "unnamed"


def held_spec(path: Path) -> Spec:
    """The spec in a file of weights. Raises `FileError` if it holds none of ours."""
    document = _with_new_names(parse(weights_file.read_spec(path), str(path)))
    return check(document, (Layer(document, (document,), path),))


def _read(path: Path) -> tuple[Layer, ...]:
    """The documents of a file: of a spec, or of weights that hold one."""
    if path.suffix.lower() not in weights_file.SUFFIXES:
        return _resolve(path, ())
    try:
        return held_spec(path).layers
    except FileError as error:
        raise SpecError([Problem(NOWHERE, "", error.message, error.hint)]) from None


def layers_of(path: Path) -> tuple[Layer, ...]:
    """The documents of a spec file, after those that it extends; they need make no spec.

    Raises `SpecError` for one that cannot be read.
    """
    return _resolve(path, ())


def _resolve(path: Path, seen: tuple[Path, ...]) -> tuple[Layer, ...]:
    """The documents of a spec file, after those that it extends."""
    document = _published(path) if path.parent == folder() else parse(read_text(path), str(path))
    return _layers_of(document, path, (*seen, path.resolve()))


def _published(path: Path) -> Located:
    """The document of a catalogue network, which is read once, unless somebody changes it."""
    try:
        written = path.stat()
    except OSError:  # which reading says better
        return parse(read_text(path), str(path))
    return _parsed(path, written.st_mtime_ns, written.st_size)


@lru_cache(maxsize=128)
def _parsed(path: Path, _written: int, _size: int) -> Located:
    return parse(read_text(path), str(path))


def _layers_of(document: Located, path: Path | None, seen: tuple[Path, ...]) -> tuple[Layer, ...]:
    """A spec's document after those that it extends; each has its file's name."""
    beside = path.parent if path else Path()
    document = with_names(_with_new_names(document), beside)
    refuse_foreign(document)
    below = _base_of(document, beside, seen)
    name = locate({"name": name_from(path or STDIN)}, document.mark)
    base = merge(without(below[-1].root, *_OWN), name) if below else name
    return (*below, lay(base, without(document, "extends")))


def _base_of(document: Located, beside: Path, seen: tuple[Path, ...]) -> tuple[Layer, ...]:
    """The documents of the spec that a document extends, if it does: one in the folder `beside`."""
    if "extends" not in keys(document):
        return ()
    extends = document.find(("extends",))
    place = extends.mark
    if not isinstance(extends.value, str):
        message = f"expected the name or the path of a spec, got {as_yaml(extends.plain())}"
        raise SpecError([Problem(place, "extends", message)])
    try:
        path = find(extends.value, beside=beside)
    except SpecError as error:
        (problem,) = error.problems
        near = meant(extends.value, (*list_specs(), *list_variants()))
        fixes = (Fix("extends", near),) if near else ()
        problem = replace(problem, mark=place, key="extends", fixes=fixes)
        raise SpecError([problem]) from None
    if path.resolve() in seen:
        raise SpecError([Problem(place, "extends", f"{path} extends itself in the end")])
    if len(seen) >= MAX_EXTENDS:
        message = f"expected at most {MAX_EXTENDS} specs that extend one another"
        raise SpecError([Problem(place, "extends", message)])
    return _resolve(path, seen)


def _with_new_names(root: Located) -> Located:
    """The document with the keys of `RENAMED` under their new names, where those are free."""
    if not isinstance(root.value, Mapping) or RENAMED.keys().isdisjoint(root.value):
        return root
    names = {key: new for key, new in RENAMED.items() if new not in root.value}
    items = {names.get(key, key): item for key, item in root.value.items()}
    return replace(root, value=items)
