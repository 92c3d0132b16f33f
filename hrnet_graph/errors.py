"""What can go wrong, as values: every error a user can cause is an `HRNetGraphError`."""

from __future__ import annotations

import difflib
import math
import reprlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Literal

Key = tuple[str | int, ...]
"""The way to one value of a spec: `("stages", 1, "block")` is written `stages.1.block`."""


def dotted_key(key: Iterable[str | int]) -> str:
    """`("stages", 1, "block")` -> `stages.1.block`."""
    return ".".join(str(part) for part in key)


def key_parts(dotted: str) -> tuple[str, ...]:
    """`stages.1.block` -> its three parts; a place in `keys` is one: `keys.stage2.0` has two."""
    first, _, rest = dotted.partition(".")
    return (first, rest) if first == "keys" and rest else tuple(dotted.split("."))


def did_you_mean(word: object, known: Sequence[str]) -> str:
    """The tail of an "unknown word" message: the nearest known word, then all of them."""
    return f"{nearest(word, known)} (known: {', '.join(known)})"


def nearest(word: object, known: Iterable[str]) -> str:
    """The tail of such a message where too many words are known to be told."""
    near = meant(word, known)
    return f"; did you mean '{near}'?" if near else ""


def meant(word: object, known: Iterable[str]) -> str:
    """The known word that an unknown one is nearest to, or nothing if none is near."""
    return next(iter(difflib.get_close_matches(str(word)[:100], known, n=1)), "")


_BOUNDED = reprlib.Repr()
_BOUNDED.maxlevel = 3
"""Shows what may be nested without end, and does so in bounded time."""


def quoted(value: object, limit: int = 60) -> str:
    """A value from outside as it is quoted in a message: on one line, never longer than `limit`."""
    text = repr(value) if isinstance(value, str | int | float) else _BOUNDED.repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


class _Stated(reprlib.Repr):
    """Writes what YAML was read as with YAML's own words, in bounded time."""

    def repr_tuple(self, x: tuple[object, ...], level: int) -> str:
        return self.repr_list([*x], level)

    def repr_bool(self, x: bool, level: int) -> str:
        return in_yaml(x)

    def repr_NoneType(self, x: None, level: int) -> str:  # noqa: N802  # which reprlib looks for
        return in_yaml(x)

    def repr_float(self, x: float, level: int) -> str:
        return in_yaml(x)


_STATED = _Stated()
_STATED.maxlevel = 3


def as_yaml(value: object, limit: int = 60) -> str:
    """A value of a spec as it is quoted in a message: as `quoted`, but `null`, `true`, `[]`."""
    if isinstance(value, str):
        return quoted(value, limit)
    text = _STATED.repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def error_line(error: BaseException, line: int = 0) -> str:
    """What an error of another library says in one of its lines, or its name if it says nothing."""
    text = getattr(error, "strerror", None) or str(error)
    lines = [part.strip() for part in text.splitlines() if part.strip()]
    return lines[line][:500] if lines else type(error).__name__


class HRNetGraphError(Exception):
    """Bad input or a job that cannot be done: `message` says what, `hint` how to mend it.

    Example:
        >>> try:
        ...     hg.save(hg.build_module("hrnet_w32_cls", device="meta"), "net.pt")
        ... except hg.HRNetGraphError as error:
        ...     print(error.message)
        hrnet_w32_cls is on the meta device...
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value stands: a file (or the override that said it), line and column.

    Lines and columns count from 1, columns in characters; the end is behind the last character.
    """

    file: str = ""
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None

    def __str__(self) -> str:
        file = self.file if self.file.isprintable() else repr(self.file)[1:-1]
        return file if self.line is None else f"{file}:{self.line}:{self.column}"


NOWHERE = Mark()
"""The place of what stands in no file."""


Action = Literal["set", "rename", "remove"]


@dataclass(frozen=True)
class Fix:
    """A change of a spec that mends a problem: `key` is set to a value, renamed, or removed.

    `value` is the plain value that the key gets, or the key's new name, beside the old one.
    """

    key: str
    value: object = None
    action: Action = "set"

    @property
    def title(self) -> str:
        """The change in words: `set fuse.upsample: bilinear`."""
        if self.action == "remove":
            return f"remove {self.key}"
        if self.action == "rename":
            return f"rename {self.key} to {self.value}"
        return f"set {self.change}"

    @property
    def change(self) -> str:
        """Key and value as a spec states them: `fuse.upsample: bilinear`."""
        return f"{self.key}: {in_yaml(self.value)}"


def in_yaml(value: object) -> str:
    """A word, a number or a list of them as a spec states it: `true`, `[3, 64, 64]`."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(in_yaml, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return f"-.{-value}" if value < 0 else f".{value}"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a spec: where, at which dotted key, what, and how to mend it.

    `hint` says in a line what `fixes` are as values, and more where no value is enough.
    """

    mark: Mark
    key: str
    message: str
    hint: str = ""
    fixes: tuple[Fix, ...] = ()

    @property
    def place(self) -> str:
        """The mark in words: `file:line:column`, or the override that said it."""
        return str(self.mark)

    def __str__(self) -> str:
        line = ": ".join(part for part in (self.place, self.key, self.message) if part)
        return f"{line}\n  {self.hint}" if self.hint else line

    def as_dict(self) -> dict[str, object]:
        """The problem as JSON data, a fix with its title."""
        return {
            "place": self.place,
            "key": self.key,
            "message": self.message,
            "hint": self.hint,
            "mark": asdict(self.mark),
            "fixes": [{"title": fix.title, **asdict(fix)} for fix in self.fixes],
        }


MOST_PROBLEMS = 100
"""So many problems of one spec are told; who has more begins with these."""


def first_of(problems: Sequence[Problem], more: int = 0) -> list[Problem]:
    """The problems, or the first of them and one that says how many `more` there are."""
    more = max(more, 0) + max(len(problems) - MOST_PROBLEMS, 0)
    told = list(problems[:MOST_PROBLEMS])
    if more:
        told.append(Problem(told[-1].mark, "", f"and {more} more problems, which are not told"))
    return told


class SpecError(HRNetGraphError):
    """A spec that cannot be read or that makes no network; holds every problem found.

    Example:
        >>> try:
        ...     hg.load_spec("hrnet_w32_cls", {"width": 0})
        ... except hg.SpecError as error:
        ...     print(error.problems[0].key)
        width
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[type[SpecError], tuple[tuple[Problem, ...]]]:
        return SpecError, (self.problems,)


class RuleError(HRNetGraphError):
    """A rule that cannot be applied; `option` is the rule's own option to blame, if one is, or
    finds it, once somebody asks.
    """

    def __init__(self, message: str, hint: str = "", option: Key | Callable[[], Key] = ()) -> None:
        super().__init__(message, hint)
        self._option = option

    @cached_property
    def option(self) -> Key:
        """The rule's own option to blame, if one is."""
        return self._option() if callable(self._option) else self._option


class ShapeError(HRNetGraphError):
    """Operands that an op cannot take."""


class NormError(ShapeError):
    """Channels that the spec's normalisation cannot take."""


class SizeError(ShapeError):
    """Operands whose heights or widths do not agree, so that another input size may help."""


class InputError(HRNetGraphError, ValueError):
    """A tensor that a network refuses, before any of its layers sees it.

    Example:
        >>> model = hg.build_module("hrnet_w18_small_v1_cls", device="meta")
        >>> model(torch.zeros(1, 1, 64, 64))
        Traceback (most recent call last):
        hrnet_graph.errors.InputError: hrnet_w18_small_v1_cls takes ..., got 1x1x64x64
    """


class UnknownNodeError(HRNetGraphError, KeyError):
    """A path at which a graph has no node."""


class FileError(HRNetGraphError):
    """A file that cannot be read or written, or that is not what it should be.

    Example:
        >>> hg.load("missing.pt")
        Traceback (most recent call last):
        hrnet_graph.errors.FileError: no weights file at 'missing.pt'
    """
