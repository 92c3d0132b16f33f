"""A foreign config as data: every value is present, absent, or refused as not understood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, NoReturn

from hrnet_graph.errors import FileError, quoted
from hrnet_graph.spec.importers.python.values import NotUnderstood
from hrnet_graph.spec.source import Located

MERGE = "<<"
"""YAML's key for what another section says, too."""

MAX_VALUES = 20_000
"""Values at a key that a network is made of; published ones have some dozens."""


PACKAGES = (
    "mmcls",
    "mmcv",
    "mmdet",
    "mmdetection",
    "mmengine",
    "mmpose",
    "mmpretrain",
    "mmseg",
    "mmsegmentation",
)
"""Whose classes are known by their names."""


@dataclass(frozen=True)
class Imported:
    """A spec as plain data, and what became of the rest of the config.

    `ignored` lists keys that make no other network, `risked` those that a person chose to ignore,
    `assumed` what the config does not say, `left` parts of the model that the spec does not have.
    """

    spec: dict[str, Any]
    ignored: tuple[str, ...]
    assumed: tuple[str, ...] = ()
    risked: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class Config:
    """Nested mappings and lists read by dotted key.

    A key that is read is understood; when all is read, `imported` refuses every other key below
    the network's own section that is not on the table of harmless ones.
    """

    def __init__(self, root: Located, risked: Sequence[str] = ()) -> None:
        self._root = root
        self._risked = tuple(risked)
        self._read: set[str] = set()
        self._sections: set[str] = set()
        self.assumed: list[str] = []
        self.left: list[str] = []
        for key in risked:
            if self._find(key) is None:
                raise FileError(f"{root.mark.file}: --ignore {key}: the config has no such key")
            self._root = _without(self._root, key.split("."))

    def _find(self, key: str) -> Located | None:
        """What stands at a dotted key, understood or not, or nothing."""
        found = self._root
        for i, part in enumerate(parts := key.split(".")):
            self._check(found, ".".join(parts[:i]))
            inside = found.value
            if isinstance(inside, tuple) and part.isdigit() and int(part) < len(inside):
                found = inside[int(part)]
            elif isinstance(inside, Mapping) and part in inside:
                found = inside[part]
            elif isinstance(inside, Mapping) and MERGE in inside:
                problem = "YAML's merge keys are not followed"
                raise FileError(f"{inside[MERGE].mark}: {key}: {problem}", "write the values out")
            elif isinstance(inside, tuple | Mapping) or inside is None:
                return None
            else:
                problem = f"expected a section with {quoted(part)}, got {quoted(inside)}"
                raise FileError(f"{found.mark}: {key}: {problem}")
        return found

    @staticmethod
    def _check(found: Located, key: str) -> None:
        """Raises `FileError` if a value on the way to `key` is not understood."""
        if isinstance(found, NotUnderstood):
            message = f"{found.mark}: {key}: not understood: `{found.text}`: {found.why}"
            hint = f"write the value out, or read the config without it: --ignore {key}"
            raise FileError(message, hint)

    def _at(self, key: str) -> Located | None:
        """What stands at a dotted key, which is read with this."""
        self._read.add(key)
        return self._find(key)

    def has(self, key: str) -> bool:
        """Whether the config says something other than `None` at a dotted key."""
        found = self._at(key)
        return found is not None and (isinstance(found, NotUnderstood) or found.value is not None)

    def states(self, key: str) -> bool:
        """Whether a dotted key stands in the config, be it with `None`."""
        return self._at(key) is not None

    def get(self, key: str, default: Any = None) -> Any:
        """The value at a dotted key as plain data, or the default where it is absent."""
        found = self._at(key)
        if found is None:
            return default
        waiting = [(found, key)]
        for count, (inner, at) in enumerate(waiting):
            self._check(inner, at)
            waiting += [(part, f"{at}.{name}") for name, part in inner.children()]
            if count > MAX_VALUES:
                self.refuse(key, f"expected at most {MAX_VALUES} values")
        return found.plain()

    def known(self, key: str) -> Any:
        """A value that is nothing of the network; None if it is absent or not understood."""
        try:
            return self.get(key)
        except FileError as error:
            self.assumed.append(f"nothing, for {key} is not understood: {error.message}")
            return None

    def kind(self, key: str, default: str | None = None) -> str | None:
        """The class that a `type` names, without its package; the file may import it.

        Raises `FileError` if the package is none that is known, for its class may be any.
        """
        package, _, name = self._class(key, default).rpartition(".")
        if self.has(scope := f"{key.rpartition('.')[0]}._scope_"):
            self.expect(scope, *PACKAGES)
        if package and package.partition(".")[0] not in PACKAGES:
            problem = f"{quoted(name)} of {quoted(package)} may be another than OpenMMLab's"
            self.refuse(key, problem, f"if it is OpenMMLab's, write its name alone: type={name!r}")
        return name or None

    def _class(self, key: str, default: str | None = None) -> str:
        """What a `type` says, or the dotted name of the class that the file imports for it."""
        found = self._at(key)
        if isinstance(found, NotUnderstood) and found.imported:
            return found.imported
        says = self.get(key, default)
        if says is not None and not isinstance(says, str):
            self.refuse(key, f"expected the name of a class, got {quoted(says)}")
        return says or ""

    def scope(self, key: str) -> str | None:
        """The package that a `type` names in front of its class."""
        package, dot, _ = self._class(key).partition(".")
        return package if dot else None

    def described(self, key: str) -> str:
        """The class that a section names, or that it names none."""
        found = self._find(key)
        is_section = found is not None and isinstance(found.value, Mapping)
        return (self._class(f"{key}.type") if is_section else "") or "of no class"

    def mark(self, key: str) -> str:
        """The place of a key, or of the innermost part of it that there is."""
        found = self._root
        for part in key.split("."):
            inner = {str(name): each for name, each in found.children()}.get(part)
            if inner is None:
                break
            found = inner
        return str(found.mark)

    def refuse(self, key: str, problem: str, hint: str = "") -> NoReturn:
        """Raises the `FileError` that the value at a key makes no network that is known here."""
        raise FileError(f"{self.mark(key)}: {key}: {problem}", hint)

    def expect(self, key: str, *known: Any, default: Any = None) -> Any:
        """One of the known values at a dotted key, or the default. Raises `FileError` otherwise."""
        value = self.get(key, default)
        if not any(_same(value, each) for each in known):
            expected = " or ".join(quoted(each) for each in known)
            got = quoted(value) if self.states(key) else f"the default {quoted(value)}"
            hint = _IGNORE.format(key) if self.states(key) else ""
            self.refuse(key, f"expected {expected}, got {got}", hint)
        return value

    def integer(self, key: str, default: int | None = None) -> int:
        """The whole number at a dotted key. Raises `FileError` if there is none."""
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(key, f"expected a whole number, got {quoted(value)}")
        return value

    def number(self, key: str, default: float) -> float:
        """The number at a dotted key. Raises `FileError` if something else stands there."""
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(key, f"expected a number, got {quoted(value)}")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        """True or false at a dotted key. Raises `FileError` if something else stands there."""
        value = self.get(key, default)
        if not isinstance(value, bool):
            self.refuse(key, f"expected true or false, got {quoted(value)}")
        return value

    def integers(self, key: str) -> list[int]:
        """The whole numbers in the list at a dotted key; a number alone is a list of one."""
        value = self.get(key)
        row = list(value) if isinstance(value, list | tuple) else [value]
        if not row or any(isinstance(n, bool) or not isinstance(n, int) for n in row):
            self.refuse(key, f"expected a list of whole numbers, got {quoted(value)}")
        return row

    def size(self, key: str) -> list[int]:
        """Two whole numbers at a dotted key; a number alone stands for both."""
        row = self.integers(key)
        if len(row) > 2:
            self.refuse(key, f"expected two whole numbers, got {quoted(row)}")
        return (row * 2)[:2]

    def leave(self, key: str, note: str) -> None:
        """Reads a whole section as one that the spec does not have, and says so."""
        if self.has(key):
            self._sections.add(key)
            self.left.append(f"{key}: {note}")

    def imported(
        self, spec: dict[str, Any], section: str, harmless: Sequence[str] = ()
    ) -> Imported:
        """The spec that the config was read as.

        Raises `FileError` if a key inside `section` was neither read nor is harmless.
        """
        unread = list(self._unread(self._root, ""))
        for key in unread:
            inside = key == section or key.startswith(f"{section}.")
            if inside and not any(_is_at(key, pattern) for pattern in harmless):
                found = self._find(key)
                value = "" if found is None else f" {quoted(_shown(found))}"
                problem = f"this key is not known here, and may make another network:{value}"
                self.refuse(key, problem, _IGNORE.format(key))
        return Imported(spec, tuple(unread), tuple(self.assumed), self._risked, tuple(self.left))

    def _unread(self, data: Located, prefix: str) -> Iterator[str]:
        """The keys that were never read, whole sections by their own key."""
        for name, value in data.children():
            key = f"{prefix}{name}"
            inside = any(read.startswith(f"{key}.") for read in self._read)
            if key in self._sections or (key in self._read and not inside):
                continue
            if inside:
                yield from self._unread(value, f"{key}.")
            else:
                yield key


_IGNORE = "--ignore {} reads the config without it, at your own risk"


def _is_at(key: str, pattern: str) -> bool:
    """Whether a pattern names a key or a section above it, part by part; `*.` is anywhere."""
    if pattern.startswith("*."):
        return key.endswith(pattern[1:])
    parts, wanted = key.split("."), pattern.split(".")
    return len(parts) >= len(wanted) and all(map(fnmatchcase, parts, wanted))


def _same(value: Any, known: Any) -> bool:
    """Equality in which true is not 1, and a list may be a tuple."""
    if isinstance(value, list | tuple) and isinstance(known, list | tuple):
        return len(value) == len(known) and all(map(_same, value, known))
    return type(value) is type(known) and bool(value == known)


def _shown(found: Located) -> Any:
    """What stands in a file, as a message shows it."""
    if isinstance(found, NotUnderstood):
        return found.text
    return "a section" if isinstance(found.value, tuple | Mapping) else found.value


def _without(root: Located, parts: Sequence[str]) -> Located:
    """The data without what stands at a key."""
    first, *others = parts
    inside = dict(root.children())
    if not others:
        kept = {str(k): v for k, v in inside.items() if str(k) != first}
    else:
        kept = {str(k): _without(v, others) if str(k) == first else v for k, v in inside.items()}
    return replace(root, value=kept if isinstance(root.value, Mapping) else tuple(kept.values()))
