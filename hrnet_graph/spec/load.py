"""From a name or a file to a checked spec: `extends` followed, overrides laid over it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hrnet_graph.errors import Problem, SpecError, quoted
from hrnet_graph.spec.catalogue import find
from hrnet_graph.spec.merge import merge, without
from hrnet_graph.spec.problems import problems_of
from hrnet_graph.spec.schema import Spec
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
    if isinstance(spec, Spec):
        if not changes:
            return spec
        spec = spec.dump()
    if isinstance(spec, Mapping):
        root = _with_new_names(locate(spec, Mark("spec")))
    else:
        path = find(spec)
        root = _resolve(path, ())
        root = merge(locate({"name": name_from(path)}, root.mark), root)
    if changes:
        root = without(root, "published")
    for change in changes:
        root = merge(root, _with_new_names(change))
    return check(root)


def check(root: Located) -> Spec:
    """A located document as a spec. Raises `SpecError` with every problem found."""
    root = _with_new_names(root)
    try:
        return Spec.model_validate(root.plain()).located(root)
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
    root = _with_new_names(parse(read_text(path), str(path)))
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
    base = without(_resolve(base_path, seen), *_OWN)
    return merge(base, without(root, "extends"))


def _with_new_names(root: Located) -> Located:
    """The document with the keys of `RENAMED` under their new names, where those are free."""
    if not isinstance(root.value, Mapping) or RENAMED.keys().isdisjoint(root.value):
        return root
    names = {key: new for key, new in RENAMED.items() if new not in root.value}
    items = {names.get(key, key): item for key, item in root.value.items()}
    return replace(root, value=items)
