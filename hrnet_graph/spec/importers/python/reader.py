"""What reading a Python config keeps in mind: the names so far, places, and what is not trusted."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hrnet_graph.errors import FileError, Mark
from hrnet_graph.spec.importers.python.values import Box, NotUnderstood, Value, boxes_in
from hrnet_graph.spec.source import Located

MAX_STEPS = 200_000
"""Expressions that are read in one config and its bases; the longest published have 20,000."""
MAX_LENGTH = 20_000
"""Items of a sequence or characters of a text that an operation makes."""


class Unclear(Exception):  # noqa: N818 - it never leaves this folder
    """What an expression says cannot be told without running it."""

    def __init__(self, value: NotUnderstood) -> None:
        super().__init__(value.why)
        self.value = value


def bound_by(part: ast.AST) -> list[str]:
    """The names that a piece of code itself binds or deletes, by whatever syntax."""
    if isinstance(part, ast.Name):
        return [] if isinstance(part.ctx, ast.Load) else [part.id]
    if isinstance(part, ast.alias):
        return [part.asname or part.name.partition(".")[0]]
    if isinstance(part, ast.Global):
        return part.names
    name = getattr(part, "name", None) or getattr(part, "rest", None)
    return [name] if isinstance(name, str) else []


class Reader:
    """The names of a config with the values that they have so far."""

    def __init__(self, text: str, file: str, words: Mapping[str, str], steps: list[int]) -> None:
        self.names: dict[str, Value] = {}
        self._lines = text.splitlines(keepends=True)
        self._file = file
        self.words = words
        """What `{{fileBasename}}` and the like stand for."""
        self._steps = steps
        self.hidden: frozenset[str] = frozenset()
        """Names that functions of the file mention, which may change them at any call."""

    def mark(self, node: ast.AST) -> Mark:
        """Where a piece of code stands."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1
        return Mark(self._file, line, column)

    def not_understood(self, node: ast.AST, why: str, imported: str = "") -> NotUnderstood:
        """A value of which nothing is known but the code that says it."""
        text = self._segment(node)
        return NotUnderstood(None, self.mark(node), text=text, why=why, imported=imported)

    def unclear(self, node: ast.AST, why: str) -> Unclear:
        """The error that a piece of code cannot be told."""
        return Unclear(self.not_understood(node, why))

    def _segment(self, node: ast.AST) -> str:
        """A piece of code as far as it stands on its first line."""
        line, start = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        last, end = getattr(node, "end_lineno", line), getattr(node, "end_col_offset", None)
        row = self._lines[line - 1].encode()[start : end if last == line else None]
        return row.decode(errors="replace").strip()[:80]

    def step(self, node: ast.AST, count: int = 1) -> None:
        """Counts work. Raises `FileError` when there is too much of it."""
        self._steps[0] += count
        if self._steps[0] > MAX_STEPS:
            raise FileError(f"{self.mark(node)}: reading the config takes too many steps")

    def distrust(self, node: ast.AST, reason: NotUnderstood) -> None:
        """Forgets what code that is not understood sets, changes, or may hold on to and change."""
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                self._distrust_value(self.names.get(part.id, reason), node, reason)
            for name in bound_by(part):
                self.names[name] = reason

    def _distrust_value(self, value: Value, node: ast.AST, reason: NotUnderstood) -> None:
        for box in boxes_in(value):
            self.step(node)
            box.broken = reason

    def bind(self, name: str, value: Value, node: ast.AST) -> None:
        """Gives a name a value, unless functions of the file can change it."""
        if name in self.hidden:
            reason = self.not_understood(node, "a function of the file can change it")
            self._distrust_value(value, node, reason)
            value = reason
        self.names[name] = value

    def kept(self, value: Value, node: ast.AST, anew: bool = False) -> Value:
        """A value as mappings of another config keep it: what is not yet of one is copied.

        With `anew` all is, as when another config has been read to its end. Source: mmengine 0.10,
        mmengine/config/config.py, `ConfigDict._hook` and `Config._dict_to_config_dict`.
        """
        if not isinstance(value, Box) or value.broken:
            return value
        self.step(node, 1 + len(value.items))
        if isinstance(value.items, list):
            return replace(value, items=[self.kept(item, node, anew) for item in value.items])
        if value.merges and not anew:
            return value
        inside = {key: self.kept(item, node, anew) for key, item in value.items.items()}
        return replace(value, items=inside, merges=True)

    def tried(self, node: ast.AST, work: Callable[[], Any]) -> Any:
        """The result of work on plain data. Raises `Unclear` where Python would raise."""
        try:
            return work()
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise self.unclear(node, f"it ends in {type(error).__name__}") from None

    def whole(self, value: Value) -> Value:
        """The value itself. Raises `Unclear` if it is not understood."""
        broken = value.broken if isinstance(value, Box) else value
        if isinstance(broken, NotUnderstood):
            raise Unclear(broken)
        return value

    def unboxed(self, value: Value, node: ast.AST) -> Any:
        """A value as Python data, sequences as lists. Raises `Unclear` if a part is not known."""
        self.step(node)
        self.whole(value)
        if isinstance(value, Located):
            return value.value
        if isinstance(value.items, dict):
            return {key: self.unboxed(item, node) for key, item in value.items.items()}
        row = [self.unboxed(item, node) for item in value.items]
        return tuple(row) if value.is_tuple else row

    def boxed(self, scalar: Any, node: ast.AST) -> Value:
        """A single value that stands where `node` does. Raises `Unclear` if it is none."""
        known = scalar is None or isinstance(scalar, bool | float)
        known |= isinstance(scalar, int) and abs(scalar) < 1 << 63
        known |= isinstance(scalar, str) and len(scalar) <= MAX_LENGTH
        if not known:
            raise self.unclear(node, "it is no data")
        return Located(scalar, self.mark(node))

    def row(self, items: list[Value], node: ast.AST, is_tuple: bool = False) -> Box:
        """A sequence that stands where `node` does, of values that it shares with others."""
        self.step(node, len(items))
        if len(items) > MAX_LENGTH:
            raise self.unclear(node, "the result is too long")
        return Box(items, self.mark(node), is_tuple=is_tuple)
